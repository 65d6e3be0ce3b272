#include "core/state/boot_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/number.hpp"

namespace hostsplit {
namespace {

constexpr auto remedy = "Run `hostsplit apply` to write it again";

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

/// What stands in the file is quoted in messages, and must not move the cursor there.
Error damaged(const std::string& file, unsigned line, const std::string& key, const std::string& reason) {
  return bad_line(file, line, one_line(key), one_line(reason), remedy);
}

/// A line's `key=value` words, each to be taken exactly once.
class Fields {
 public:
  Fields(std::string_view text, const std::string& file, unsigned line) : file_(file), line_(line) {
    while (!text.empty()) {
      const auto equals = text.find('=');
      const auto key = text.substr(0, equals);
      if (equals == std::string_view::npos || key.empty() || key.find(' ') != std::string_view::npos)
        throw bad("", fmt::format("\"{}\" is not of the form key=value", text.substr(0, text.find(' '))));
      // A reason is prose: it runs to the end of the line.
      const auto blank = key == "why" ? std::string_view::npos : text.find(' ', equals);
      const auto value = text.substr(equals + 1, blank == std::string_view::npos ? blank : blank - equals - 1);
      if (!values_.emplace(key, value).second) throw bad(std::string(key), "is given twice");
      text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    }
  }

  bool has(const std::string& key) const { return values_.count(key) != 0; }

  std::string_view take(const std::string& key) {
    const auto found = values_.find(key);
    if (found == values_.end()) throw bad(key, "is missing");
    const auto value = found->second;
    values_.erase(found);
    return value;
  }

  template <typename Value>
  Value take(const std::string& key, std::optional<Value> (*parse)(std::string_view)) {
    const auto text = take(key);
    auto value = parse(text);
    if (!value) throw bad(key, fmt::format("\"{}\" is not valid", text));
    return *std::move(value);
  }

  void finish() const {
    if (!values_.empty()) throw bad(std::string(values_.begin()->first), "is not known here");
  }

  Error bad(const std::string& key, const std::string& reason) const { return damaged(file_, line_, key, reason); }

 private:
  const std::string& file_;
  unsigned line_;
  std::map<std::string, std::string_view, std::less<>> values_;
};

template <typename Number>
std::optional<Number> number(std::string_view text) {
  return parse_number<Number>(text);
}

std::optional<int> vm_id(std::string_view text) {
  const auto id = parse_number<int>(text);
  return id && *id >= 0 ? id : std::nullopt;
}

/// "101:28,102:28".
std::optional<std::map<int, std::uint64_t>> share_list(std::string_view text) {
  std::map<int, std::uint64_t> shares;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto share = text.substr(0, comma);
    const auto colon = std::min(share.find(':'), share.size());
    const auto vm = vm_id(share.substr(0, colon));
    const auto pages = parse_number<std::uint64_t>(share.substr(std::min(colon + 1, share.size())));
    if (!vm || !pages || !shares.emplace(*vm, *pages).second) return {};
    if (comma == std::string_view::npos) return shares;
    text.remove_prefix(comma + 1);
    if (text.empty()) return {};
  }
  return shares;
}

std::optional<std::string> word(std::string_view text) {
  if (text.empty()) return {};
  return std::string(text);
}

bool is_word(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

std::string join(const std::map<int, std::uint64_t>& shares) {
  std::string text;
  for (const auto& [vm, pages] : shares) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", vm, pages);
  return text;
}

Claim parse_claim(std::string_view text, const std::string& file, unsigned line) {
  const auto blank = text.find(' ');
  const auto address = parse_pci_address(text.substr(0, blank));
  if (!address) throw damaged(file, line, "bind", fmt::format("\"{}\" is not a PCI address", text.substr(0, blank)));
  Fields fields(blank == std::string_view::npos ? "" : text.substr(blank + 1), file, line);
  Claim claim;
  claim.address = *address;
  claim.function.root = fields.take("root", word);
  claim.function.chain = fields.take("chain", parse_chain);
  std::tie(claim.function.ids.vendor, claim.function.ids.device) = fields.take("ids", parse_id_pair);
  std::tie(claim.function.ids.subsystem_vendor, claim.function.ids.subsystem_device) =
      fields.take("subsystem", parse_id_pair);
  claim.function.pci_class = fields.take("class", parse_class);
  claim.vm = fields.take("vm", vm_id);
  claim.causes = parse_causes(fields.take("why"));
  fields.finish();
  return claim;
}

Reservation parse_reservation(std::string_view text, const std::string& file, unsigned line) {
  Fields fields(text, file, line);
  Reservation reservation;
  reservation.node = fields.take("node", number<int>);
  reservation.page_size = fields.take("size", number<Kib>);
  reservation.pages = fields.take("count", number<std::uint64_t>);
  reservation.shares = fields.take("vms", share_list);
  if (fields.has("others")) reservation.others = fields.take("others", share_list);
  for (const auto& [vm, pages] : reservation.shares) reservation.vms.push_back(vm);
  fields.finish();
  if (reservation.page_size == 0) throw fields.bad("size", "a page has no size of 0 KiB");
  return reservation;
}

/// Takes the plan in line by line.
class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  void line(std::string_view text, unsigned number) {
    if (text.empty() || text.starts_with('#')) return;
    const auto blank = text.find(' ');
    const auto item = text.substr(0, blank);
    const auto rest = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
    if (!versioned_) return version(item, rest, number);
    if (item == "floor") return floor(rest, number);
    if (item == "lose") return plan_.may_lose.emplace_back(rest), void();
    if (item == "bind") return bind(rest, number);
    if (item == "pages") return pages(rest, number);
    throw damaged(file_, number, "", fmt::format("unknown item \"{}\"", item));
  }

  BootPlan finish() {
    if (!versioned_) throw damaged(file_, 0, "version", "the file is empty");
    if (!floor_) throw damaged(file_, 0, "floor", "is missing");
    return std::move(plan_);
  }

 private:
  void version(std::string_view item, std::string_view rest, unsigned number) {
    if (item != "version") throw damaged(file_, number, "version", "must be the first item");
    const auto found = parse_number<unsigned>(rest);
    if (found && *found > 1)
      throw bad_line(file_, number, "version", fmt::format("version {} was written by a newer hostsplit", *found),
                     "Install that version again, or run `hostsplit apply` to rewrite the file");
    if (found != 1u) throw damaged(file_, number, "version", fmt::format("\"{}\" is not valid", rest));
    versioned_ = true;
  }

  void floor(std::string_view rest, unsigned number) {
    if (floor_) throw damaged(file_, number, "floor", "is given twice");
    Fields fields(rest, file_, number);
    plan_.keep_free = fields.take("keep_free", hostsplit::number<Kib>);
    fields.finish();
    floor_ = true;
  }

  void bind(std::string_view rest, unsigned number) {
    auto claim = parse_claim(rest, file_, number);
    if (!addresses_.insert(claim.address).second || !functions_.insert(claim.function).second)
      throw damaged(file_, number, "bind", to_string(claim.address) + " is given twice");
    plan_.claims.push_back(std::move(claim));
  }

  void pages(std::string_view rest, unsigned number) {
    auto reservation = parse_reservation(rest, file_, number);
    if (!pools_.emplace(reservation.node, reservation.page_size).second)
      throw damaged(file_, number, "pages", fmt::format("node {} is given twice", reservation.node));
    plan_.reservations.push_back(std::move(reservation));
  }

  const std::string& file_;
  BootPlan plan_;
  std::set<PciAddress> addresses_;
  std::set<Fingerprint> functions_;
  std::set<std::pair<int, Kib>> pools_;
  bool versioned_ = false;
  bool floor_ = false;
};

}  // namespace

std::string to_text(const BootPlan& plan) {
  std::string text = fmt::format("version 1\nfloor keep_free={}\n", plan.keep_free);
  for (const auto& name : plan.may_lose) text += "lose " + one_line(name) + "\n";
  for (const auto& claim : plan.claims) {
    const auto& [root, chain, ids, pci_class] = claim.function;
    // A blank here would shift every word behind it when early boot reads the line.
    if (!is_word(root))
      throw Error("write the boot plan for", to_string(claim.address),
                  fmt::format("the name of its root bridge, \"{}\", contains blanks", one_line(root)));
    text += fmt::format("bind {} root={} chain={} ids={} subsystem={} class={} vm={} why={}\n",
                        to_string(claim.address), root, to_string(chain), id_pair(ids.vendor, ids.device),
                        id_pair(ids.subsystem_vendor, ids.subsystem_device), class_text(pci_class), claim.vm,
                        one_line(to_text(claim.causes)));
  }
  for (const auto& reservation : plan.reservations)
    text += fmt::format("pages node={} size={} count={} vms={}{}\n", reservation.node, reservation.page_size,
                        reservation.pages, join(reservation.shares),
                        reservation.others.empty() ? "" : " others=" + join(reservation.others));
  return text;
}

std::vector<Claim> present_claims(const BootPlan& plan, const Snapshot& snapshot) {
  std::vector<Claim> present;
  for (Claim claim : plan.claims) {
    const Located located = locate(snapshot, claim.function);
    if (located.kind != Located::Kind::found) continue;
    claim.address = *located.address;
    present.push_back(std::move(claim));
  }
  return present;
}

BootPlan parse_boot_plan(std::string_view text, const std::string& file) {
  Reader reader(file);
  for (unsigned number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) throw damaged(file, number, "", "the last line is cut off");
    reader.line(text.substr(0, end), number);
    text.remove_prefix(end + 1);
  }
  return reader.finish();
}

}  // namespace hostsplit
