#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// Values that identify a machine or its people, and what stands for each of them: the first host name becomes "host1"
/// wherever it is found. Those that have a form of their own (UUIDs, hardware addresses, mail addresses, iSCSI names,
/// what follows UUID=, LABEL=, by-id/) are found by it; names and serial numbers have to be added.
class Identifiers {
 public:
  enum class Kind { host, guest, serial, id };

  /// \pre `value` is not empty
  void add(Kind kind, const std::string& value);
  /// Where a value is known to stand, whatever it looks like.
  std::string replaced(Kind kind, const std::string& value);
  /// The same in any text or path: a value counts where no letter or digit is beside it.
  std::string in_text(std::string_view text);

 private:
  std::string numbered(Kind kind, const std::string& value);
  std::string of_form(Kind kind, const std::string& value);
  bool take_known(std::string_view text, std::size_t& at, std::string& result) const;
  bool take_prefixed(std::string_view text, std::size_t& at, std::string& result);
  bool take_formed(std::string_view text, std::size_t& at, std::string& result);
  bool take_mail(std::string_view text, std::size_t& at, std::string& result);

  std::map<std::string, std::string> values_;               ///< what was replaced -> by what
  std::map<char, std::vector<std::string>> known_;          ///< by first character, longest first: found in any text
  std::map<std::string, std::size_t, std::less<>> counts_;  ///< of each form
};

}  // namespace hostsplit
