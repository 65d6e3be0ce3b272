#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "formats/toml/documents.hpp"
#include "formats/toml/fingerprint.hpp"
#include "formats/toml/reader.hpp"

namespace hostsplit {
namespace {

constexpr auto baseline_header =
    R"(# How this host was before hostsplit touched it; `hostsplit undo` goes back to it. Written by hostsplit.
version = 1
)";

constexpr auto baseline_remedy =
    "The file is written by hostsplit alone; restore it from a backup, or remove the block.";

BindingBefore read_binding(const TomlReader& table) {
  std::vector<std::string> keys = fingerprint_keys();
  keys.insert(keys.end(), {"address", "driver", "override", "unknown"});
  table.allow_only(keys);
  const auto address = read_address(table, "address");
  if (!address) table.complain("address", "it is missing", baseline_remedy);
  return {read_fingerprint(table), *address, table.text("driver").value_or(""), table.text("override"),
          table.boolean("unknown").value_or(false)};
}

std::int64_t read_count(const TomlReader& table, const char* key, std::int64_t least, std::int64_t most) {
  const auto number = table.number(key);
  if (!number || *number < least || *number > most)
    table.complain(key, fmt::format("a whole number from {} to {} is wanted", least, most), baseline_remedy);
  return *number;
}

PoolBefore read_pool(const TomlReader& table) {
  table.allow_only({"node", "page_size_kib", "total"});
  constexpr auto any = std::numeric_limits<std::int64_t>::max();
  return {static_cast<int>(read_count(table, "node", 0, 1023)),
          static_cast<Kib>(read_count(table, "page_size_kib", 1, any)),
          static_cast<std::uint64_t>(read_count(table, "total", 0, any))};
}

/// One text, or a list of pieces: see content_text().
std::optional<std::string> read_content(const TomlReader& table) {
  if (!table.has("content")) return std::nullopt;
  if (!table.is_list("content")) return table.text("content");
  std::string content;
  for (const auto& piece : table.texts("content")) content += piece.text;
  return content;
}

FileBefore read_file_before(const TomlReader& table) {
  table.allow_only({"path", "content", "mode", "stamp"});
  const auto path = table.text("path");
  if (!path || path->empty() || path->front() == '/')
    table.complain("path", "a path below / is wanted", baseline_remedy);
  FileBefore before{*path, std::nullopt, table.text("stamp").value_or("")};
  if (const auto content = read_content(table))
    before.file = FileNow{*content, static_cast<unsigned>(read_count(table, "mode", 0, 07777))};
  return before;
}

/// Words as they stand in a line.
std::vector<std::string> read_words(const TomlReader& table, const char* key) {
  std::vector<std::string> words;
  const std::string text = table.text(key).value_or("");
  for (const auto word : words_of(text)) words.emplace_back(word);
  return words;
}

EditMade read_edit(const TomlReader& table) {
  table.allow_only({"path", "front", "behind"});
  const auto path = table.text("path");
  if (!path || path->empty() || path->front() == '/')
    table.complain("path", "a path below / is wanted", baseline_remedy);
  return {*path, read_words(table, "front"), read_words(table, "behind")};
}

ImageTouched read_image(const TomlReader& table) {
  table.allow_only({"kernel", "stamp", "boot"});
  const auto kernel = table.text("kernel");
  if (!kernel || kernel->empty()) table.complain("kernel", "it is missing", baseline_remedy);
  return {*kernel, table.text("stamp").value_or(""), table.text("boot").value_or("")};
}

PveKeyBefore read_pve_key(const TomlReader& table) {
  table.allow_only({"vm", "storage", "key", "before", "ours", "earlier"});
  const auto key = table.text("key");
  if (!key || key->empty()) table.complain("key", "it is missing", baseline_remedy);
  const bool vm = table.has("vm");
  if (vm == table.has("storage")) table.complain("key", "either a VM or a storage is wanted", baseline_remedy);
  const std::string id = vm ? std::to_string(read_count(table, "vm", 100, 999999999)) : *table.text("storage");
  return {{vm ? PveObject::Kind::vm : PveObject::Kind::storage, id},
          *key,
          table.text("before"),
          table.text("ours"),
          table.text("earlier")};
}

std::string pve_key_text(const PveKeyBefore& key) {
  std::string text = "\n[[proxmox]]\n";
  if (key.object.kind == PveObject::Kind::vm)
    text += fmt::format("vm = {}\n", key.object.id);
  else
    text += fmt::format("storage = {}\n", toml_quoted(key.object.id));
  text += fmt::format("key = {}\n", toml_quoted(key.key));
  if (key.before) text += fmt::format("before = {}\n", toml_quoted(*key.before));
  if (key.ours) text += fmt::format("ours = {}\n", toml_quoted(*key.ours));
  if (key.earlier) text += fmt::format("earlier = {}\n", toml_quoted(*key.earlier));
  return text;
}

/// The end of a piece that begins a text: behind its first line, or where a long line can be parted without tearing a
/// character apart.
std::size_t piece_end(std::string_view text) {
  constexpr std::size_t longest_piece = 512;  // escaped, no line of the document becomes too long for parse_toml()
  auto end = std::min<std::size_t>({text.find('\n'), text.size() - 1, longest_piece - 1}) + 1;
  while (end < text.size() && end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

/// As a list with one line in each item, so that a person can read it and a file of any size comes back. Refused rather
/// than mended: what is kept must be what comes back.
std::string content_text(const FileBefore& before) {
  if (valid_utf8(before.file->content) != before.file->content)
    throw Error("keep", "/" + before.path, "it is not text in UTF-8, so it could not be put back as it is",
                "Make it text, or move it away.");
  std::string list = "[\n";
  for (std::string_view rest = before.file->content; !rest.empty();) {
    const auto end = piece_end(rest);
    list += "  " + toml_quoted(rest.substr(0, end)) + ",\n";
    rest.remove_prefix(end);
  }
  return list + "]";
}

}  // namespace

Baseline parse_baseline(std::string_view text, const std::string& file) {
  const toml::table document = parse_toml(text, file);
  const TomlReader top(document, file);
  top.require_version_1();
  top.allow_only({"version", "after_loss", "binding", "pool", "file", "edit", "image", "loader", "proxmox"});
  Baseline baseline;
  baseline.after_loss = top.boolean("after_loss").value_or(false);
  for (const auto& table : top.tables("binding")) baseline.bindings.push_back(read_binding(table));
  for (const auto& table : top.tables("pool")) baseline.pools.push_back(read_pool(table));
  for (const auto& table : top.tables("file")) baseline.files.push_back(read_file_before(table));
  for (const auto& table : top.tables("edit")) baseline.edits.push_back(read_edit(table));
  for (const auto& table : top.tables("image")) baseline.images.push_back(read_image(table));
  for (const auto& table : top.tables("proxmox")) baseline.pve_keys.push_back(read_pve_key(table));
  if (const auto loader = top.table("loader")) {
    loader->allow_only({"stamp", "boot"});
    baseline.loader = LoaderTouched{loader->text("stamp").value_or(""), loader->text("boot").value_or("")};
  }
  return baseline;
}

std::string to_toml(const Baseline& baseline) {
  std::string text = baseline_header;
  if (baseline.after_loss) text += "after_loss = true\n";
  for (const auto& binding : baseline.bindings) {
    text += fmt::format("\n[[binding]]\naddress = \"{}\"\ndriver = {}\n", to_string(binding.address),
                        toml_quoted(binding.driver));
    if (binding.driver_override) text += fmt::format("override = {}\n", toml_quoted(*binding.driver_override));
    if (binding.unknown) text += "unknown = true\n";
    text += fingerprint_lines(binding.function);
  }
  for (const auto& pool : baseline.pools)
    text +=
        fmt::format("\n[[pool]]\nnode = {}\npage_size_kib = {}\ntotal = {}\n", pool.node, pool.page_size, pool.total);
  for (const auto& before : baseline.files) {
    text += fmt::format("\n[[file]]\npath = {}\n", toml_quoted(before.path));
    if (!before.stamp.empty()) text += fmt::format("stamp = {}\n", toml_quoted(before.stamp));
    if (before.file) text += fmt::format("mode = {}\ncontent = {}\n", before.file->mode, content_text(before));
  }
  for (const auto& edit : baseline.edits)
    text += fmt::format("\n[[edit]]\npath = {}\nfront = {}\nbehind = {}\n", toml_quoted(edit.path),
                        toml_quoted(fmt::format("{}", fmt::join(edit.front, " "))),
                        toml_quoted(fmt::format("{}", fmt::join(edit.behind, " "))));
  for (const auto& image : baseline.images)
    text += fmt::format("\n[[image]]\nkernel = {}\nstamp = {}\nboot = {}\n", toml_quoted(image.kernel),
                        toml_quoted(image.stamp), toml_quoted(image.boot_id));
  for (const auto& key : baseline.pve_keys) text += pve_key_text(key);
  if (baseline.loader)
    text += fmt::format("\n[loader]\nstamp = {}\nboot = {}\n", toml_quoted(baseline.loader->stamp),
                        toml_quoted(baseline.loader->boot_id));
  return text;
}

}  // namespace hostsplit
