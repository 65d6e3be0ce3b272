#include "core/state/cause.hpp"

#include <fmt/format.h>

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

constexpr std::string_view separator = "; ", with = " with ";

/// \return what stands behind `prefix`; empty optional when the text does not begin with it.
std::optional<std::string_view> behind(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return {};
  return text.substr(prefix.size());
}

Cause other_cause(std::string_view text) {
  return {Cause::Kind::other, std::string(text)};
}

std::optional<Cause> parse_group(std::string_view rest) {
  const auto middle = rest.find(with);
  if (middle == std::string_view::npos) return {};
  const auto group = parse_number<int>(rest.substr(0, middle));
  const auto address = parse_pci_address(rest.substr(middle + with.size()));
  if (!group || !address) return {};
  return Cause{Cause::Kind::shares_group, {}, *address, *group};
}

Cause parse_cause(std::string_view text) {
  if (text == "controller") return {Cause::Kind::controller};
  if (text == "function") return {Cause::Kind::function};
  if (const auto label = behind(text, "port "); label && !label->empty())
    return {Cause::Kind::port, std::string(*label)};
  if (const auto rest = behind(text, "group ")) return parse_group(*rest).value_or(other_cause(text));
  if (const auto rest = behind(text, "sockets with "))
    if (const auto address = parse_pci_address(*rest)) return {Cause::Kind::shares_sockets, {}, *address};
  return other_cause(text);
}

std::string to_text(const Cause& cause) {
  switch (cause.kind) {
    case Cause::Kind::port: return "port " + cause.label;
    case Cause::Kind::controller: return "controller";
    case Cause::Kind::function: return "function";
    case Cause::Kind::shares_group: return fmt::format("group {} with {}", cause.group, to_string(cause.with));
    case Cause::Kind::shares_sockets: return "sockets with " + to_string(cause.with);
    case Cause::Kind::other: return cause.label;
  }
  return {};
}

template <typename Render>
std::string joined(const std::vector<Cause>& causes, std::string_view between, Render render) {
  std::string text;
  for (const auto& cause : causes) text += (&cause == &causes.front() ? "" : std::string(between)) + render(cause);
  return text;
}

}  // namespace

std::string describe(const Cause& cause) {
  switch (cause.kind) {
    case Cause::Kind::controller: return "named under controllers";
    case Cause::Kind::function: return "named under functions";
    case Cause::Kind::shares_group:
    case Cause::Kind::shares_sockets: return "shares " + to_text(cause);
    default: return to_text(cause);
  }
}

std::string describe(const std::vector<Cause>& causes) {
  return joined(causes, ", ", [](const Cause& cause) { return describe(cause); });
}

std::vector<std::string> labels_of(const std::vector<Cause>& causes) {
  std::vector<std::string> labels;
  for (const auto& cause : causes)
    if (cause.kind == Cause::Kind::port) labels.push_back(cause.label);
  return labels;
}

std::string to_text(const std::vector<Cause>& causes) {
  return joined(causes, separator, [](const Cause& cause) { return to_text(cause); });
}

std::vector<Cause> parse_causes(std::string_view text) {
  std::vector<Cause> causes;
  if (text.empty()) return causes;
  for (;;) {
    const auto end = text.find(separator);
    causes.push_back(parse_cause(text.substr(0, end)));
    if (end == std::string_view::npos) return causes;
    text.remove_prefix(end + separator.size());
  }
}

}  // namespace hostsplit
