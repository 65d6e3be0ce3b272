#include <cstdlib>
#include <exception>

#include "phone/serve.hpp"

// /usr/libexec/hostsplit/phone-page: serves the page of `hostsplit learn --web`, which starts it without rights. Its
// descriptor 3 leads to that process, 4 is the listening socket; it has no terminal to say anything on.
int main() {
  try {
    return hostsplit::serve_phone_page(3, 4);
  } catch (const std::exception&) {
    return EXIT_FAILURE;
  }
}
