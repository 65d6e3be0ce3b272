#include "phone/response.hpp"

#include <string_view>

#include "phone_texts.hpp"

namespace hostsplit {
namespace {

using Verdict = PhoneAccess::Verdict;

MHD_Response* response_of(const std::string& text, const char* type) {
  auto* response = MHD_create_response_from_buffer(text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
  if (!response) return nullptr;
  const auto header = [&](const char* name, const char* value) { MHD_add_response_header(response, name, value); };
  header(MHD_HTTP_HEADER_CONTENT_TYPE, type);
  header(MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  header("X-Content-Type-Options", "nosniff");
  header("X-Frame-Options", "DENY");
  header("Referrer-Policy", "no-referrer");
  header("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

MHD_Result send(MHD_Connection* connection, unsigned status, MHD_Response* response) {
  if (!response) return MHD_NO;
  const MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

std::string filled(std::string_view page, const std::string& nonce) {
  constexpr std::string_view place = "{{nonce}}";
  std::string text(page);
  for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += nonce.size())
    text.replace(at, place.size(), nonce);
  return text;
}

unsigned status_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::page:
    case Verdict::state:
    case Verdict::name: return MHD_HTTP_OK;
    case Verdict::forbidden: return MHD_HTTP_FORBIDDEN;
    case Verdict::not_found: return MHD_HTTP_NOT_FOUND;
    case Verdict::no_method: return MHD_HTTP_METHOD_NOT_ALLOWED;
    case Verdict::no_length: return MHD_HTTP_LENGTH_REQUIRED;
    case Verdict::too_large: return 413;  // its name in the library differs between releases
    case Verdict::long_head: return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
  }
  return MHD_HTTP_FORBIDDEN;
}

}  // namespace

MHD_Result send_text(MHD_Connection* connection, unsigned status, const std::string& text) {
  return send(connection, status, response_of(text, "text/plain; charset=utf-8"));
}

MHD_Result send_json(MHD_Connection* connection, unsigned status, const std::string& json) {
  return send(connection, status, response_of(json, "application/json"));
}

MHD_Result send_refusal(MHD_Connection* connection, Verdict verdict) {
  if (verdict != Verdict::forbidden) return send_text(connection, status_of(verdict), "Not here.\n");
  return send_text(
      connection, MHD_HTTP_FORBIDDEN,
      "This page belongs to the first phone that opened it. Start hostsplit learn --web again for another.\n"
      "此页面只属于第一个打开它的手机。换一部手机请重新运行 hostsplit learn --web。\n");
}

MHD_Result send_page(MHD_Connection* connection, const PhoneStart& start) {
  const std::string& nonce = start.nonce;
  auto* response = response_of(filled(texts::phone_page, nonce), "text/html; charset=utf-8");
  if (!response) return MHD_NO;
  const std::string policy =
      "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'; img-src data:; script-src 'nonce-" +
      nonce + "'; style-src 'nonce-" + nonce + "'";
  MHD_add_response_header(response, "Content-Security-Policy", policy.c_str());
  const std::string set =
      std::string(PhoneAccess::cookie_name) + "=" + start.cookie + "; Path=/; HttpOnly; SameSite=Strict";
  MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, set.c_str());
  return send(connection, MHD_HTTP_OK, response);
}

}  // namespace hostsplit
