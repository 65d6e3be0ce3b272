#include "core/phone/access.hpp"

namespace hostsplit {

bool same_secret(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

/// Another name that was made to lead to this address is a page of somebody else, whose scripts ask here.
bool PhoneAccess::host_fits(const PhoneRequest& request) const {
  if (request.hosts.size() != 1) return false;
  const auto& host = request.hosts.front();
  return host == authority_ || (authority_.ends_with(":80") && host + ":80" == authority_);
}

bool PhoneAccess::known(const PhoneRequest& request) {
  if (opened()) return request.cookie && same_secret(*request.cookie, cookie_);
  if (request.method != "GET" || request.path != "/" || !request.token) return false;
  if (!same_secret(*request.token, token_)) return false;
  token_.clear();
  return true;
}

PhoneAccess::Verdict PhoneAccess::judge(const PhoneRequest& request) {
  if (request.header_bytes > most_head) return Verdict::long_head;
  if (request.body_bytes.value_or(0) > most_body) return Verdict::too_large;
  // Who is not known learns of no path and no method.
  if (!host_fits(request) || !known(request)) return Verdict::forbidden;
  if (request.path == "/" || request.path == "/state") {
    if (request.method != "GET") return Verdict::no_method;
    return request.path == "/" ? Verdict::page : Verdict::state;
  }
  if (request.path != "/name") return Verdict::not_found;
  if (request.method != "POST") return Verdict::no_method;
  const auto own = "http://" + request.hosts.front();
  if (request.origin != own) return Verdict::forbidden;
  return request.body_bytes ? Verdict::name : Verdict::no_length;
}

}  // namespace hostsplit
