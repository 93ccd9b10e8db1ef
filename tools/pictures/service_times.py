"""Service times of a disk, measured and simulated: both cumulative distributions, and how far apart they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deltabench.hwsim.clock import NS_PER_MS
from deltabench.tools.pictures.style import BLUE, INK, ORANGE, Picture, Table, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from deltabench.scenarios.disk_validation import DiskValidation

PERCENTS: Final = (1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


def service_times_picture(validation: DiskValidation) -> Picture:
    """Both distributions of all requests on the left, simulated less measured time at each level on the right."""
    overall = validation.overall
    measured, simulated = (
        [ns / NS_PER_MS for ns in sorted(times)] for times in (overall.measured_ns, overall.simulated_ns)
    )
    count = len(measured)
    levels = [100 * (number + 1) / count for number in range(count)]

    def draw(figure: FigureBase) -> None:
        times, distance = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
        plain_axes(times, grid="both").set_xlabel("service time, ms")
        times.plot(measured, levels, color=BLUE.light, linewidth=2.4, label="measured")
        times.plot(simulated, levels, color=ORANGE.light, linestyle=(0, (4, 2)), label="simulated")
        times.set_ylabel("requests served within, %")
        times.set_ylim(0, 100)
        times.set_xlim(0, max(measured[-1], simulated[-1]))
        plain_axes(distance, grid="both").set_xlabel("simulated less\nmeasured, ms")
        distance.plot([s - m for m, s in zip(measured, simulated, strict=True)], levels, color=INK.light, linewidth=1)
        distance.axvline(0, color=INK.light, linewidth=0.6)
        times.legend(loc="lower right", handlelength=3.2)

    caption = (
        f"Cumulative distributions of the service times of {count:,} requests: those that the drive took (solid) and "
        "those that the model takes (dashed). On the right, how far the dashed line lies beside the solid one at each "
        "level; the root mean square of that is the demerit."
    )
    # The n-th of so many, as the nearest rank.
    ranks = [(percent, max(0, -(-percent * count // 100) - 1)) for percent in PERCENTS]
    table = Table(
        ("requests, %", "measured, ms", "simulated, ms"),
        tuple((percent, round(measured[rank], 3), round(simulated[rank], 3)) for percent, rank in ranks),
    )
    title = (
        f"The model of the {validation.part} is {overall.demerit_ns / NS_PER_MS:.3f} ms off the drive, "
        f"{100 * overall.demerit_share:.1f} % of the mean service time"
    )
    return Picture("service-times", title, caption, table, draw, 3.6)
