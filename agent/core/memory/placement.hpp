#pragma once
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/boot/huge_page_parameters.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"

namespace hostsplit {

/// Page parameters so placed among those of others that the kernel reads what is meant.
struct Placement {
  std::vector<KernelParameter> words;
  bool proxmox_ve_reads_it = true;  ///< otherwise each VM with huge pages needs `keephugepages: 1`
  std::vector<Finding>
      findings;  ///< `boot-pages-lost`, `boot-pages-beaten`, `boot-pages-repeated`, `grub-not-understood`
};

/// Tries forms and places until a model of the kernel's parser (read_huge_pages()), with the rules of every installed
/// kernel and on the line of every boot loader, reads exactly `reserved` for the page sizes in it and, for other sizes,
/// what it reads from the owner's line. Where no form does, a finding `boot-pages-lost` (error) names what would be
/// lost. \param lines  owners_lines()
Placement place_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot,
                      const std::vector<OwnersLine>& lines);

/// Pools the running kernel was asked for that the next boot will not have, whoever caused it (`boot-pages-gone`).
std::vector<Finding> check_next_boot(const Snapshot& snapshot, const std::vector<OwnersLine>& lines,
                                     const std::vector<KernelParameter>& words,
                                     const std::vector<Reservation>& reserved);

/// What the kernel would take at the next boot, with the parameters of others: no guard is awake then
/// (`boot-pages-over-floor`). Of several boot loaders the first that would take too much. A crashkernel= that the
/// running kernel does not have yet takes its memory first.
std::vector<Finding> check_next_floor(const std::vector<OwnersLine>& lines, const std::vector<KernelParameter>& words,
                                      const Snapshot& snapshot, Kib keep_free);

/// Parameters of the owner that do not do what is written there, once the next boot reads them (`boot-pages-ignored`);
/// without those of the running kernel, which doctor tells.
std::vector<Finding> check_next_ignored(const Snapshot& snapshot, const std::vector<OwnersLine>& lines);

/// True for a kernel parameter about huge pages.
bool about_pages(std::string_view word);

/// The rules of the running kernel and of the installed ones, each kind once.
std::vector<KernelRules> rules_of_kernels(const Snapshot& snapshot);

}  // namespace hostsplit
