#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hostsplit {

/// What is behind one path of a recorded machine.
struct RecordedEntry {
  enum class Kind {
    name,        ///< it is in a listing; nothing asked what it is
    directory,   ///< what is in it are the entries below it
    unreadable,  ///< it is there and could not be read
    file,
    link
  };
  Kind kind = Kind::name;
  std::string text = {};              ///< content of a file, target of a link
  std::optional<unsigned> mode = {};  ///< permission bits, where they were asked for
  std::uint64_t left_out = 0;         ///< bytes of the content that are not here
  bool operator==(const RecordedEntry&) const = default;
};

/// A machine as `hostsplit snapshot` writes it: what its readers asked for, and nothing else. Paths are relative to the
/// root and free of links on the way; each link on the way is an entry of its own.
struct Recording {
  std::string made_by;    ///< version of hostsplit
  bool scrubbed = false;  ///< see scrub()
  std::map<std::string, RecordedEntry> entries;
  bool operator==(const Recording&) const = default;
};

/// A device file that any program may have open and that is on no controller: "/dev/null", "/dev/char/1:3".
bool is_ordinary_device(std::string_view file);

/// Leaves out what no reader uses and what grows without bound: processes that use nothing hostsplit looks at, counts
/// of interrupts, mappings without huge pages, and content over `most` bytes of one file.
Recording reduced(Recording recording, std::size_t most = 65536);

/// Changes everything that identifies the machine or its people: serial numbers, hardware, IPv4 and IPv6 addresses,
/// names of hosts, VMs and containers, UUIDs, labels of disks, mail addresses. One value is always replaced by the same
/// one, and addresses of one network stay in one network. Comments, and lines of configuration files that no reader
/// looks at, are left out: secrets are in those. Files it has no rule for below etc/ are left empty.
/// \param seed  random: with it the addresses could be calculated back
Recording scrub(const Recording& recording, std::uint64_t seed);

}  // namespace hostsplit
