#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/phone/messages.hpp"

namespace hostsplit {

/// A request for the phone page, as far as it decides whether it is answered.
struct PhoneRequest {
  std::string method, path;
  std::optional<std::string> token;           ///< "t" of the query
  std::vector<std::string> hosts;             ///< every header "Host"
  std::optional<std::string> origin, cookie;  ///< the cookie is the one of the page
  std::size_t header_bytes = 0;
  std::optional<std::size_t> body_bytes = {};  ///< as announced; empty: not announced
};

/// Who may use the page: one client, the first that comes with the token. It gets a cookie, and the token is spent.
class PhoneAccess {
 public:
  enum class Verdict {
    page,       ///< GET /
    state,      ///< GET /state
    name,       ///< POST /name
    forbidden,  ///< 403
    not_found,  ///< 404
    no_method,  ///< 405
    no_length,  ///< 411
    too_large,  ///< 413
    long_head   ///< 431
  };
  static constexpr std::size_t most_head = 4096, most_body = 1024;
  static constexpr const char* cookie_name = "hostsplit-learn";

  explicit PhoneAccess(const PhoneStart& start)
      : authority_(start.authority),
        token_(start.token),
        cookie_(start.cookie) {}

  /// May spend the token.
  Verdict judge(const PhoneRequest& request);
  bool opened() const { return token_.empty(); }

 private:
  bool known(const PhoneRequest& request);
  bool host_fits(const PhoneRequest& request) const;

  std::string authority_, token_, cookie_;
};

/// Takes the same time wherever they differ.
bool same_secret(const std::string& a, const std::string& b);

}  // namespace hostsplit
