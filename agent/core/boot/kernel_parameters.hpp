#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// Switches everything of hostsplit off for one boot.
inline constexpr std::string_view off_word = "hostsplit=off";

/// Words of a line, separated by blanks, as on the kernel command line, in modprobe.d(5), in grub.cfg or in /proc.
/// Quotes have no meaning here: no word hostsplit looks for may stand in them. The result refers to `line`.
std::vector<std::string_view> words_of(std::string_view line);
std::vector<std::string_view> words_of(std::same_as<std::string> auto&& line) = delete;  ///< the words would dangle

/// The words as one line.
std::string joined(const std::vector<std::string>& words);

/// True when exactly this word is one of them.
bool has_word(std::string_view line, std::string_view word);

/// One word hostsplit puts on the kernel command line, and why.
struct KernelParameter {
  std::string word;    ///< "intel_iommu=on"; no blanks, no quotes
  std::string reason;  ///< sentence fragment
  bool first = false;  ///< goes before what others wrote: of the page counts of one size the kernel takes the first
  /// With GRUB, before GRUB_CMDLINE_LINUX too, which 10_linux puts before GRUB_CMDLINE_LINUX_DEFAULT; only with
  /// `first`.
  bool very_first = false;
  bool operator==(const KernelParameter&) const = default;
};

}  // namespace hostsplit
