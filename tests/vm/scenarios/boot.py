"""The bench itself: boots, keeps a file over a reboot, sees a stick. An example to copy."""

from bench import eventually

TOPOLOGY = "article"
START = "booted"
SUBJECTS = ("tests/vm/",)
SECONDS = 40
MEMORY = 2


def run(bench, check):
    state = bench.wait_running()
    check("the host boots without failed units", state == "running", state)

    bench.put_text("/root/note", "still here\n")
    seconds = bench.reboot()
    check("a file survives a reboot", bench.get("/root/note") == b"still here\n")
    check("a reboot takes less than three minutes", seconds < 180, f"{seconds:.0f} s")

    bench.plug("x0", "2", "STICK1")
    device = "/sys/bus/pci/devices/0000:01:00.0/usb*/*-2/serial"
    serial = eventually(lambda: bench.run(f"cat {device}", check=False).out.strip())
    check("a stick in port 2 of x0 appears below that controller", serial == "STICK1", serial)
