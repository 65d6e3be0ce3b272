"""Where the controllers of topology "article" are: all four have the same ids."""

X0 = "0000:01:00.0"  # on a root port of its own, node 0
X1 = "0000:02:00.0"  # the same; in the scenarios it mostly stays with the host
X2 = "0000:81:00.0"  # two functions of one slot on node 1, one IOMMU group
X3 = "0000:81:00.1"

# One VM on each node; X3 goes along with X2.
BOTH = f'[vm.101]\ncontrollers = ["{X0}"]\n[vm.102]\ncontrollers = ["{X2}"]\n'
