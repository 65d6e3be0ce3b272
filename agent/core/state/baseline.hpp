#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/base/size.hpp"
#include "core/machine/file_content.hpp"
#include "core/machine/pci.hpp"
#include "core/machine/pve.hpp"

namespace hostsplit {

/// How a function was bound before hostsplit first touched it.
struct BindingBefore {
  Fingerprint function;
  PciAddress address;  ///< where it was then
  std::string driver;  ///< empty: none
  std::optional<std::string> driver_override;
  bool unknown = false;  ///< the record was lost: the kernel chooses the driver when it returns
  bool operator==(const BindingBefore&) const = default;
};

/// A huge page pool before hostsplit first touched it.
struct PoolBefore {
  int node = 0;
  Kib page_size = 0;
  std::uint64_t total = 0;  ///< pages, without surplus
  bool operator==(const PoolBefore&) const = default;
};

/// A file outside hostsplit's own directories before hostsplit first touched it.
struct FileBefore {
  std::string path;
  std::optional<FileNow> file;  ///< empty: it did not exist
  /// stamp_of() what hostsplit wrote, the last two separated by a blank, because an interruption may have left the one
  /// before; what is neither is somebody else's by now. Empty: not known.
  std::string stamp = {};
  bool operator==(const FileBefore&) const = default;
};

/// What hostsplit put into the first line of a file that is not its own: taken out again exactly, whatever somebody
/// made of the rest meanwhile.
struct EditMade {
  std::string path;
  std::vector<std::string> front;   ///< words before what others wrote, together
  std::vector<std::string> behind;  ///< words behind it
  bool operator==(const EditMade&) const = default;
  bool nothing() const { return front.empty() && behind.empty(); }
};

/// An initramfs image that was rebuilt with something of ours in it.
struct ImageTouched {
  std::string kernel;
  std::string stamp;    ///< of what was verified to be in it; empty: a rebuild was begun and not yet verified
  std::string boot_id;  ///< during which boot that was; the image takes effect with the next one
  bool operator==(const ImageTouched&) const = default;
};

/// The boot loader's menu as hostsplit had it made.
struct LoaderTouched {
  std::string stamp;    ///< of what was seen to be in it; empty: a refresh was begun and not verified
  std::string boot_id;  ///< during which boot that was; it takes effect with the next one
  bool operator==(const LoaderTouched&) const = default;
};

/// A key in Proxmox VE before hostsplit first set it, and what hostsplit made of it since.
struct PveKeyBefore {
  PveObject object;
  std::string key;
  std::optional<std::string> before, ours;  ///< empty: not there
  std::optional<std::string> earlier = {};  ///< what `ours` was before: an interruption may have left that
  bool operator==(const PveKeyBefore&) const = default;
};

/// The host as it was before hostsplit acted: the inverse of everything done so far. Undoing is planning
/// for an empty configuration on top of it. Kept in /var/lib/hostsplit/journal/, written before each effect.
struct Baseline {
  std::vector<BindingBefore> bindings;
  std::vector<PoolBefore> pools;
  std::vector<FileBefore> files;
  std::vector<EditMade> edits;  ///< by path, oldest first: an edit is remembered before it is made
  std::vector<ImageTouched> images;
  std::optional<LoaderTouched> loader;
  std::vector<PveKeyBefore> pve_keys;
  bool after_loss = false;  ///< an earlier record was lost: there may be more than this one knows
  bool operator==(const Baseline&) const = default;

  bool empty() const {
    return bindings.empty() && pools.empty() && files.empty() && edits.empty() && images.empty() && !loader &&
           pve_keys.empty();
  }
  const BindingBefore* binding(const Fingerprint& function) const {
    for (const auto& before : bindings)
      if (before.function == function) return &before;
    return nullptr;
  }
  /// nullptr: hostsplit has not touched it.
  const FileBefore* file(const std::string& path) const {
    for (const auto& before : files)
      if (before.path == path) return &before;
    return nullptr;
  }
  std::vector<EditMade> edits_of(const std::string& path) const {
    std::vector<EditMade> found;
    for (const auto& edit : edits)
      if (edit.path == path) found.push_back(edit);
    return found;
  }
  const ImageTouched* image(const std::string& kernel) const {
    for (const auto& touched : images)
      if (touched.kernel == kernel) return &touched;
    return nullptr;
  }
  const PveKeyBefore* pve_key(const PveObject& object, const std::string& key) const {
    for (const auto& before : pve_keys)
      if (before.object == object && before.key == key) return &before;
    return nullptr;
  }
  const PoolBefore* pool(int node, Kib page_size) const {
    for (const auto& before : pools)
      if (before.node == node && before.page_size == page_size) return &before;
    return nullptr;
  }
};

}  // namespace hostsplit
