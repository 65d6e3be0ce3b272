#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/recording/recording.hpp"

namespace hostsplit {

/// Names of this and other hosts, wherever the recording says that something is one. Some may be addresses.
std::vector<std::string> host_names(const Recording& recording);
/// Of VMs and containers.
std::vector<std::string> guest_names(const Recording& recording);
/// Serial numbers of USB devices.
std::vector<std::string> serials(const Recording& recording);

/// Words that mean something in the files of a machine: names of files and keys of settings. Who calls a VM "memory"
/// must not make "memory: 8192" unreadable.
std::set<std::string, std::less<>> meaningful_words(const Recording& recording);

/// Names an installer proposes: they say nothing about anybody.
bool is_usual_host_name(std::string_view name);

bool is_guest_config(std::string_view path);
bool is_host_name_file(std::string_view path);
/// The serial number of a USB device. Root hubs have the address of their controller there instead.
bool is_serial(std::string_view path);

/// Value of `key` in a line "key: value" or "key = value" without its quotes; empty when the line has another key.
std::string value_in(std::string_view line, std::string_view key);

}  // namespace hostsplit
