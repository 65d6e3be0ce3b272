#pragma once
#include <string>
#include <vector>

#include "core/phone/messages.hpp"
#include "operations/report/learn_page.hpp"

namespace hostsplit {

/// The code in half blocks, two rows of modules to a line, with a light edge. Light modules are ink, dark ones ground:
/// to be shown light on dark, so that it reads the same on every terminal.
std::vector<std::string> half_blocks(const QrCode& code);

/// What the screen of `learn` shows until a phone has opened the page: the code where it fits, and the URL.
LearnPage phone_code_page(const QrCode& code, const std::string& url, int width, int height);

}  // namespace hostsplit
