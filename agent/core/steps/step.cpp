#include "core/steps/step.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hostsplit {
namespace {

FieldValue or_null(const std::string& text) {
  return text.empty() ? FieldValue() : FieldValue(text);
}

FieldValue or_null(const std::optional<int>& number) {
  return number ? FieldValue(static_cast<std::uint64_t>(*number)) : FieldValue();
}

std::string driver_name(const std::string& driver) {
  return driver.empty() ? "no driver" : driver;
}

/// One overload for each kind of action.
struct Describe {
  Description operator()(const LoadModule& a) const {
    return {"load-module", "load module " + a.module, {{"module", a.module, "to"}}, {}, {}};
  }

  Description operator()(const Bind& a) const {
    const auto labels = labels_of(a.causes);
    const auto sentence =
        a.by_kernel ? fmt::format("give {} from {} to the driver the kernel has for it", to_string(a.address),
                                  driver_name(a.from))
        : a.from == a.to
            ? fmt::format("restore driver_override of {} ({})", to_string(a.address), driver_name(a.to))
            : fmt::format("give {} from {} to {}", to_string(a.address), driver_name(a.from), driver_name(a.to));
    return {"bind",
            sentence,
            {{"controller", to_string(a.address), "controller"},
             {"group", or_null(a.group), "group"},
             {"vm", or_null(a.vm), "vm"},
             {"port", or_null(labels.empty() ? std::string() : labels.front()), "port"},
             {"from", or_null(a.from), "from"},
             {"to", or_null(a.to), "to"},
             {"rung", "runtime", "rung"}},
            {a.final_override.value_or("(null)"), describe(a.function)},
            drift(a)};
  }

  Description operator()(const Reserve& a) const {
    const auto size = format_size(a.page_size);
    return {"reserve",
            fmt::format("{} huge pages of {} on node {}, from {} to {}", a.to > a.from ? "reserve" : "return", size,
                        a.node, a.from, a.to),
            {{"node", static_cast<std::uint64_t>(a.node), "node"},
             {"size", a.page_size},
             {"from", a.from, "from"},
             {"to", a.to, "to"},
             {"vms", a.vms, "vm"}},
            {format_size(a.keep_free), fmt::format("{}", fmt::join(a.shares, ","))},
            fmt::format("{} pages of {} are reserved but {} were applied", a.from, size, a.to)};
  }

  Description operator()(const WriteFile& a) const {
    const std::string mode = a.in_place ? "in place" : mode_text(a.mode);
    return {"write-file", "write /" + a.path, {{"path", "/" + a.path, "to"}}, {a.content, mode}, {}};
  }

  Description operator()(const EditLine& a) const {
    const auto first = [](const std::string& content) { return content.substr(0, content.find('\n')); };
    const std::string path = "/" + a.puts.path;
    return {"write-file",
            a.puts.nothing() ? fmt::format("take hostsplit's kernel parameters out of line 1 of {}", path)
                             : fmt::format("edit line 1 of {}{}", path, a.creates ? ", which does not exist yet" : ""),
            {{"path", path, "to"},
             {"before", a.creates ? FieldValue() : FieldValue(first(a.before))},
             {"after", first(a.after)}},
            {a.before, a.after, mode_text(a.mode)},
            {}};
  }

  Description operator()(const RemoveFile& a) const {
    return {"remove-file", "remove /" + a.path, {{"path", "/" + a.path, "from"}}, {}, {}};
  }

  Description operator()(const RebuildInitramfs& a) const {
    const bool carries = !a.plan.empty();
    return {
        "rebuild-initramfs",
        fmt::format("rebuild the initramfs of {} {} hostsplit, about a minute", a.kernel, carries ? "with" : "without"),
        {{"kernel", a.kernel, "to"}, {"carries", carries}, {"rung", "boot", "rung"}},
        {a.plan, a.stamp, a.modprobe, a.keep_without ? "keep" : ""},
        {},
        true};
  }

  Description operator()(const RefreshBootLoader& a) const {
    return {
        "refresh-boot-loader",
        "run " + a.program + ", for the next boot",
        {{"program", a.program}, {"words", a.present, "to"}},
        {a.menu, fmt::format("{}", fmt::join(a.entries, " ")), fmt::format("{}", fmt::join(a.absent, " ")), a.stamp},
        {},
        true};
  }

  Description operator()(const SetRung& a) const {
    return {"rung",
            fmt::format("{} the rung from {} to {}, for the next boot", a.to > a.from ? "raise" : "lower",
                        to_string(a.from), to_string(a.to)),
            {{"from", to_string(a.from), "from"}, {"to", to_string(a.to), "to"}, {"rung", to_string(a.to), "rung"}},
            {a.why},
            {},
            true};
  }

  Description operator()(const SetPve& a) const {
    std::vector<std::string> keys, from, to;
    for (const auto& change : a.changes) {
      keys.push_back(change.key);
      from.push_back(change.key + "=" + change.from.value_or("(none)"));
      to.push_back(change.key + "=" + change.to.value_or("(none)"));
    }
    const bool vm = a.object.kind == PveObject::Kind::vm;
    return {"set-proxmox",
            fmt::format("set {} in Proxmox VE: {}{}", to_string(a.object), fmt::join(keys, ", "),
                        a.pending ? ", from its next start on" : ""),
            {{"object", to_string(a.object)},
             {"vm", or_null(vm ? std::optional(std::stoi(a.object.id)) : std::nullopt), "vm"},
             {"keys", keys},
             {"from", from, "from"},
             {"to", to, "to"}},
            {},
            {}};
  }

 private:
  static std::string mode_text(unsigned mode) { return fmt::format("{:o}", mode); }

  static std::string drift(const Bind& a) {
    const auto found = a.from == a.to   ? "driver_override is not as applied"
                       : a.from.empty() ? "no driver is bound"
                                        : "driver is " + a.from;
    const auto owner = a.vm ? fmt::format("VM {} owns it", *a.vm) : std::string("the host owns it");
    const auto why = describe(a.causes);
    return found + " but " + owner + (why.empty() ? "" : " (" + why + ")");
  }
};

struct Text {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
  std::string operator()(std::uint64_t value) const { return std::to_string(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<int>& value) const { return fmt::format("{}", fmt::join(value, ",")); }
  std::string operator()(const std::vector<std::string>& value) const {
    return fmt::format("{}", fmt::join(value, " "));
  }
};

}  // namespace

std::string to_text(const FieldValue& value) {
  return std::visit(Text{}, value);
}

Description describe(const Action& action) {
  return std::visit(Describe{}, action);
}

}  // namespace hostsplit
