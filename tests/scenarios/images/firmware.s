@ The least that is a firmware: a vector table, a reset handler that does nothing for ever, and initialised data, which
@ is stored in flash and runs in RAM.
    .syntax unified
    .thumb

    .section .vectors, "a"
    .word 0x20020000
    .word reset + 1

    .text
    .thumb_func
    .global reset
reset:
    ldr r0, =greeting
    b reset
    .ltorg

    .data
greeting:
    .asciz "deltabench"
    .balign 4
