#pragma once
#include <microhttpd.h>

#include <string>

#include "core/phone/access.hpp"

namespace hostsplit {

/// Responses of the phone page, each with headers that keep everything from elsewhere out of it, and it out of caches.
MHD_Result send_text(MHD_Connection* connection, unsigned status, const std::string& text);
MHD_Result send_json(MHD_Connection* connection, unsigned status, const std::string& json);
MHD_Result send_refusal(MHD_Connection* connection, PhoneAccess::Verdict verdict);
/// The page itself, and the cookie by which its client is known from then on.
MHD_Result send_page(MHD_Connection* connection, const PhoneStart& start);

}  // namespace hostsplit
