#include "phone/page_server.hpp"

#include <microhttpd.h>
#include <strings.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "phone/response.hpp"

namespace hostsplit {
namespace {

using Verdict = PhoneAccess::Verdict;

constexpr unsigned connections = 4, idle_seconds = 10;
constexpr int most_wait_ms = 1000;
/// For one connection: request and response. More than that is refused by the library.
constexpr std::size_t connection_memory = 16 * 1024;

/// One request, from its first line to the end of its response.
struct Request {
  Verdict verdict = Verdict::forbidden;
  std::string body = {};
  bool waits = false;  ///< for what becomes of the name
};

std::optional<std::string> value_of(MHD_Connection* connection, MHD_ValueKind kind, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, kind, name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

MHD_Result add_host(void* hosts, MHD_ValueKind, const char* name, const char* value) {
  if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
    static_cast<std::vector<std::string>*>(hosts)->emplace_back(value ? value : "");
  return MHD_YES;
}

PhoneRequest request_from(MHD_Connection* connection, const char* method, const char* path) {
  PhoneRequest request;
  request.method = method;
  request.path = path;
  request.token = value_of(connection, MHD_GET_ARGUMENT_KIND, "t");
  MHD_get_connection_values(connection, MHD_HEADER_KIND, add_host, &request.hosts);
  request.origin = value_of(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN);
  request.cookie = value_of(connection, MHD_COOKIE_KIND, PhoneAccess::cookie_name);
  if (const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE))
    request.header_bytes = info->header_size;
  // The library has checked that it is a number; of a chunked body nobody knows the length.
  const bool chunked = value_of(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING).has_value();
  const auto length = value_of(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (length && !chunked) request.body_bytes = std::strtoull(length->c_str(), nullptr, 10);
  return request;
}

/// {"question": 3, "name": "front-1"}
std::optional<PhoneAnswer> answer_in(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto question = json.find("question"), name = json.find("name");
  if (question == json.end() || name == json.end() || !question->is_number_unsigned() || !name->is_string())
    return std::nullopt;
  const auto number = question->get<std::uint64_t>();
  if (number > std::numeric_limits<unsigned>::max()) return std::nullopt;
  return PhoneAnswer{static_cast<unsigned>(number), name->get<std::string>()};
}

}  // namespace

struct PageServer::Inside {
  PhoneStart start;
  PhoneAccess access{start};
  MHD_Daemon* daemon = nullptr;
  std::string state = "{}";
  std::optional<PhoneAnswer> answer = {};  ///< came, and was not asked for yet
  MHD_Connection* waiting = nullptr;       ///< suspended until reply()
  std::optional<std::pair<bool, std::string>> reply = {};

  MHD_Result handle(MHD_Connection* connection, const char* method, const char* path, const char* data,
                    std::size_t* size, Request*& request);
  MHD_Result begin(MHD_Connection* connection, const PhoneRequest& asked, Request& request);
  MHD_Result give_name(MHD_Connection* connection, Request& request);
  static MHD_Result called(void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
                           const char* data, std::size_t* size, void** request);
  static void completed(void*, MHD_Connection*, void** request, MHD_RequestTerminationCode);
};

MHD_Result PageServer::Inside::called(void* self, MHD_Connection* connection, const char* path, const char* method,
                                      const char*, const char* data, std::size_t* size, void** kept) {
  auto* request = static_cast<Request*>(*kept);
  const MHD_Result result = static_cast<Inside*>(self)->handle(connection, method, path, data, size, request);
  *kept = request;
  return result;
}

void PageServer::Inside::completed(void*, MHD_Connection*, void** request, MHD_RequestTerminationCode) {
  delete static_cast<Request*>(std::exchange(*request, nullptr));
}

/// Called for the header, for each piece of the body, and at its end.
MHD_Result PageServer::Inside::handle(MHD_Connection* connection, const char* method, const char* path,
                                      const char* data, std::size_t* size, Request*& request) {
  if (!request) {
    request = new Request;
    return begin(connection, request_from(connection, method, path), *request);
  }
  if (*size > 0) {
    // Never more than was announced; the library ends the connection otherwise.
    if (request->body.size() + *size > PhoneAccess::most_body) return MHD_NO;
    request->body.append(data, std::exchange(*size, 0));
    return MHD_YES;
  }
  switch (request->verdict) {
    case Verdict::page: return send_page(connection, start);
    case Verdict::state: return send_json(connection, MHD_HTTP_OK, state);
    case Verdict::name: return give_name(connection, *request);
    default: return send_refusal(connection, request->verdict);
  }
}

/// What is refused is refused before its body is read, and the connection ends with it.
MHD_Result PageServer::Inside::begin(MHD_Connection* connection, const PhoneRequest& asked, Request& request) {
  request.verdict = access.judge(asked);
  const bool answered =
      request.verdict == Verdict::page || request.verdict == Verdict::state || request.verdict == Verdict::name;
  return answered ? MHD_YES : send_refusal(connection, request.verdict);
}

MHD_Result PageServer::Inside::give_name(MHD_Connection* connection, Request& request) {
  if (request.waits) {
    auto [taken, json] = std::exchange(reply, {}).value_or(std::pair(false, std::string("{}")));
    return send_json(connection, taken ? MHD_HTTP_OK : MHD_HTTP_CONFLICT, json);
  }
  const auto given = answer_in(request.body);
  if (!given) return send_text(connection, MHD_HTTP_BAD_REQUEST, "That is no name for a socket.\n");
  if (waiting) return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "The name before is being saved.\n");
  answer = given;
  waiting = connection;
  request.waits = true;
  MHD_suspend_connection(connection);
  return MHD_YES;
}

PageServer::PageServer(int listener, const PhoneStart& start) : inside_(std::make_unique<Inside>(Inside{start})) {
  inside_->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &Inside::called, inside_.get(),
      MHD_OPTION_LISTEN_SOCKET, static_cast<MHD_socket>(listener), MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, &Inside::completed, nullptr, MHD_OPTION_END);
  if (!inside_->daemon) throw Error("serve", "the phone page", "the HTTP library did not start");
}

PageServer::~PageServer() {
  // The library does not end while a connection is suspended.
  if (inside_->waiting) MHD_resume_connection(inside_->waiting);
  MHD_stop_daemon(inside_->daemon);
}

int PageServer::descriptor() const {
  const auto* info = MHD_get_daemon_info(inside_->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

int PageServer::longest_wait() const {
  MHD_UNSIGNED_LONG_LONG wait = most_wait_ms;
  if (MHD_get_timeout(inside_->daemon, &wait) != MHD_YES) return most_wait_ms;
  return static_cast<int>(std::min<MHD_UNSIGNED_LONG_LONG>(wait, most_wait_ms));
}

void PageServer::work() {
  MHD_run(inside_->daemon);
  // At its limit of connections the library stops to accept more, and finds out in the next run that one has ended.
  MHD_run(inside_->daemon);
}

void PageServer::show(std::string state) {
  inside_->state = std::move(state);
}

std::optional<PhoneAnswer> PageServer::answer() {
  return std::exchange(inside_->answer, {});
}

void PageServer::reply(bool taken, std::string json) {
  if (!inside_->waiting) return;
  inside_->reply = {taken, std::move(json)};
  MHD_resume_connection(std::exchange(inside_->waiting, nullptr));
}

bool PageServer::opened() const {
  return inside_->access.opened();
}

}  // namespace hostsplit
