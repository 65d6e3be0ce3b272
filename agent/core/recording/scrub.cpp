#include <algorithm>
#include <set>
#include <vector>

#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/machine/nvlist.hpp"
#include "core/recording/address_map.hpp"
#include "core/recording/identifiers.hpp"
#include "core/recording/known_names.hpp"
#include "core/recording/lines.hpp"
#include "core/recording/needed_lines.hpp"
#include "core/recording/recording.hpp"

namespace hostsplit {
namespace {

using Kind = RecordedEntry::Kind;

bool is_address(const std::string& text) {
  return text.find(':') != std::string::npos || text.find_first_not_of("0123456789.") == std::string::npos;
}

AddressMap::Bytes bytes_of(std::string_view hex) {
  AddressMap::Bytes bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes.push_back(parse_number<unsigned char>(hex.substr(at, 2), 16).value_or(0));
  return bytes;
}

std::string hex_of(const AddressMap::Bytes& bytes, bool upper) {
  std::string hex;
  for (const auto byte : bytes) {
    const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

/// A word of /proc/net/route: 32 bits in network order, printed as a little-endian number.
AddressMap::Bytes turned(AddressMap::Bytes bytes) {
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

int bits_of(const AddressMap::Bytes& mask) {
  int bits = 0;
  for (const auto byte : mask)
    for (unsigned bit = 0x80; bit != 0 && (byte & bit) != 0; bit >>= 1) ++bits;
  return bits;
}

void add_networks(const Recording& recording, AddressMap& addresses) {
  const auto text_of = [&](const char* path) {
    const auto found = recording.entries.find(path);
    return found == recording.entries.end() ? std::string() : found->second.text;
  };
  for_lines(text_of("proc/net/route"), [&](std::string_view line) {
    const auto fields = words_of(line);
    if (fields.size() > 7 && fields[1].size() == 8 && fields[7].size() == 8)
      addresses.add_network(turned(bytes_of(fields[1])), bits_of(turned(bytes_of(fields[7]))));
  });
  for_lines(text_of("proc/net/ipv6_route"), [&](std::string_view line) {
    const auto fields = words_of(line);
    if (fields.size() > 4 && fields[0].size() == 32)
      addresses.add_network(bytes_of(fields[0]), parse_number<int>(fields[1], 16).value_or(128));
  });
}

/// Everything that has to be known before the first value is replaced.
class Scrubber {
 public:
  Scrubber(const Recording& recording, std::uint64_t seed) : addresses_(seed) {
    add_networks(recording, addresses_);
    const auto meaning = meaningful_words(recording);
    const auto add = [&](Identifiers::Kind kind, const std::vector<std::string>& names) {
      for (const auto& name : names)
        if (name.size() > 1 && !meaning.contains(name) && !is_address(name)) identifiers_.add(kind, name);
    };
    add(Identifiers::Kind::host, host_names(recording));
    add(Identifiers::Kind::guest, guest_names(recording));
    add(Identifiers::Kind::serial, serials(recording));
  }

  std::string path(const std::string& path) { return identifiers_.in_text(path); }

  RecordedEntry entry(const std::string& path, RecordedEntry entry) {
    if (entry.kind == Kind::link) entry.text = identifiers_.in_text(entry.text);
    if (entry.kind != Kind::file) return entry;
    const auto needed = needed_lines(path, entry.text);
    if (!needed) {
      entry.left_out += entry.text.size();
      entry.text.clear();
    } else {
      entry.text = content(path, *needed);
    }
    return entry;
  }

 private:
  std::string content(const std::string& path, const std::string& text) {
    if (path.starts_with("proc/net/")) return network(path, text);
    if (is_serial(path)) return whole(Identifiers::Kind::serial, text);
    if (is_host_name_file(path) && identifiers_.in_text(text) == text && !is_usual_host_name(trimmed(text)))
      return whole(Identifiers::Kind::host, text);
    if (path.ends_with("/dm/uuid")) return text.substr(0, text.find('-')) + "-" + whole(Identifiers::Kind::id, text);
    if (path == "etc/kernel/proxmox-boot-uuids")
      return changed_lines(text,
                           [&](std::string_view line) { return whole(Identifiers::Kind::id, std::string(line)); });
    if (path.ends_with("zpool.cache")) return pool_cache(text);
    if (path.starts_with("proc/spl/kstat/zfs/") && path.ends_with("/guid")) return whole(Identifiers::Kind::id, text);
    if (path.starts_with("run/udev/data/b")) return block_properties(text);
    if (path == "etc/hosts") return addresses_.in_text(hosts(text));
    std::string result = identifiers_.in_text(path == names::config_file || is_guest_config(path) ? named(text) : text);
    // Port paths ("2.1.3.4") look like addresses.
    const bool settings = path.starts_with("etc/") || path.starts_with("var/lib/hostsplit/journal/");
    const bool addressed = path.ends_with("/address") || path.ends_with("/persistent_address");
    if (settings || addressed || path == "proc/cmdline" || path.ends_with("/mountinfo"))
      result = addresses_.in_text(result);
    return result;
  }

  std::string pool_cache(const std::string& text) {
    std::string result;
    each_nvlist_string(text, [&](const std::string& key, const std::string& value) {
      result += nvlist_string(key, identifiers_.in_text(value));
    });
    return result;
  }

  /// The GUID of a ZFS pool is the same here and in /proc/spl/kstat/zfs.
  std::string block_properties(const std::string& text) {
    constexpr std::string_view guid = "E:ID_FS_UUID=";
    return changed_lines(text, [&](std::string_view line) {
      return line.starts_with(guid)
                 ? std::string(guid) + whole(Identifiers::Kind::id, std::string(line.substr(guid.size())))
                 : identifiers_.in_text(line);
    });
  }

  /// The one value in a file.
  std::string whole(Identifiers::Kind kind, const std::string& text) {
    const auto end = text.find_last_not_of(" \t\r\n");
    if (end == std::string::npos) return text;
    return identifiers_.replaced(kind, text.substr(0, end + 1)) + text.substr(end + 1);
  }

  /// Names of guests that are words of the files, too: only where a name stands.
  std::string named(const std::string& text) {
    return changed_lines(text, [&](std::string_view line) {
      for (const char* key : {"name", "hostname"}) {
        const auto name = value_in(line, key);
        if (name.empty() || identifiers_.in_text(name) != name) continue;
        std::string changed(line);
        return changed.replace(changed.rfind(name), name.size(), identifiers_.replaced(Identifiers::Kind::guest, name));
      }
      return std::string(line);
    });
  }

  std::string network(const std::string& path, const std::string& text) {
    if (path == "proc/net/route") return columns(text, {1, 2}, 8);
    if (path == "proc/net/ipv6_route") return columns(text, {0, 2, 4}, 32);
    if (path == "proc/net/if_inet6") return columns(text, {0}, 32);
    return addresses_.in_text(identifiers_.in_text(text));
  }

  /// "127.0.1.1 box.lab box": names, whatever else they mean.
  std::string hosts(const std::string& text) {
    return changed_lines(text, [&](std::string_view line) {
      std::string result;
      for (const auto field : words_of(line)) {
        const bool usual =
            result.empty() || is_usual_host_name(field) || field.starts_with("localhost") || field.starts_with("ip6-");
        const auto name = identifiers_.in_text(field);
        const bool known = usual || name != field;
        result += (result.empty() ? "" : " ") + (known ? name : identifiers_.replaced(Identifiers::Kind::host, name));
      }
      return result;
    });
  }

  /// Addresses in hexadecimal, in some columns.
  std::string columns(const std::string& text, const std::set<std::size_t>& which, std::size_t digits) {
    return changed_lines(text, [&](std::string_view line) {
      std::string result;
      const auto fields = words_of(line);
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const bool hex = fields[i].find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
        std::string field = identifiers_.in_text(fields[i].size() == 32 ? std::string() : std::string(fields[i]));
        if (which.contains(i) && fields[i].size() == digits && hex) {
          auto bytes = bytes_of(fields[i]);
          bytes = digits == 8 ? turned(addresses_.replaced(turned(bytes))) : addresses_.replaced(bytes);
          field = hex_of(bytes, digits == 8);
        } else if (fields[i].size() == 32) {
          field = fields[i];
        }
        result += (i == 0 ? "" : "\t") + field;
      }
      return result;
    });
  }

  AddressMap addresses_;
  Identifiers identifiers_;
};

}  // namespace

Recording scrub(const Recording& recording, std::uint64_t seed) {
  Scrubber scrubber(recording, seed);
  Recording result;
  result.made_by = recording.made_by;
  result.scrubbed = true;
  for (const auto& [path, entry] : recording.entries)
    result.entries.emplace(scrubber.path(path), scrubber.entry(path, entry));
  return result;
}

}  // namespace hostsplit
