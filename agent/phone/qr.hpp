#pragma once
#include <string>

#include "core/phone/messages.hpp"

namespace hostsplit {

/// The text as the smallest code. \return one without modules where that is not possible
QrCode qr_of(const std::string& text);

}  // namespace hostsplit
