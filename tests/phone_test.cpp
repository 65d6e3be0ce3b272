// The page of `learn --web` without a network: who is let in, where it listens, what the processes send each other, how
// the code is drawn. tests/learn_web.py has the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/columns.hpp"
#include "core/base/error.hpp"
#include "core/base/utf8.hpp"
#include "core/phone/access.hpp"
#include "core/phone/messages.hpp"
#include "core/phone/place.hpp"
#include "host/system/secret.hpp"
#include "operations/report/phone_code.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using Verdict = PhoneAccess::Verdict;

const PhoneStart start{"192.0.2.7:4321", "the-token", "the-cookie", "the-nonce"};

PhoneRequest get(const char* path) {
  PhoneRequest request;
  request.method = "GET";
  request.path = path;
  request.hosts = {"192.0.2.7:4321"};
  request.header_bytes = 500;
  return request;
}
PhoneRequest opening(const char* token = "the-token") {
  auto request = get("/");
  request.token = token;
  return request;
}
PhoneRequest known(PhoneRequest request) {
  request.cookie = "the-cookie";
  return request;
}
PhoneRequest naming() {
  auto request = known(get("/name"));
  request.method = "POST";
  request.origin = "http://192.0.2.7:4321";
  request.body_bytes = 40;
  return request;
}

struct PhoneAccessTest : ::testing::Test {
  PhoneAccess access{start};
  void open() { ASSERT_EQ(access.judge(opening()), Verdict::page); }
};

TEST_F(PhoneAccessTest, TheFirstWithTheTokenHasThePageAndTheTokenIsSpent) {
  EXPECT_FALSE(access.opened());
  open();
  EXPECT_TRUE(access.opened());
  EXPECT_EQ(access.judge(opening()), Verdict::forbidden) << "a second client";
  EXPECT_EQ(access.judge(known(opening())), Verdict::page) << "the same client again";
  EXPECT_EQ(access.judge(known(get("/"))), Verdict::page);
  EXPECT_EQ(access.judge(known(get("/state"))), Verdict::state);
  EXPECT_EQ(access.judge(naming()), Verdict::name);
}

TEST_F(PhoneAccessTest, NothingElseOpensIt) {
  for (const char* token : {"", "the-tokem", "the-token1", "the-toke"})
    EXPECT_EQ(access.judge(opening(token)), Verdict::forbidden) << token;
  EXPECT_EQ(access.judge(known(get("/state"))), Verdict::forbidden) << "a cookie before anybody has one";
  EXPECT_EQ(access.judge(get("/")), Verdict::forbidden);
  auto request = get("/state");
  request.token = start.token;
  EXPECT_EQ(access.judge(request), Verdict::forbidden) << "only the page is opened by it";
  EXPECT_FALSE(access.opened());
  open();
}

TEST_F(PhoneAccessTest, AnotherNameForTheAddressIsRefusedAndSpendsNothing) {
  for (const std::vector<std::string>& hosts : std::vector<std::vector<std::string>>{
           {}, {"evil.example:4321"}, {"192.0.2.7"}, {"192.0.2.7:4321", "evil.example"}, {"192.0.2.7:4321."}}) {
    auto request = opening();
    request.hosts = hosts;
    EXPECT_EQ(access.judge(request), Verdict::forbidden);
  }
  EXPECT_FALSE(access.opened());
  open();
  auto rebound = naming();
  rebound.hosts = {"evil.example:4321"};
  EXPECT_EQ(access.judge(rebound), Verdict::forbidden);
}

TEST_F(PhoneAccessTest, APageFromElsewhereGivesNoName) {
  open();
  for (const std::optional<std::string>& origin :
       {std::optional<std::string>(), std::optional<std::string>("null"),
        std::optional<std::string>("http://192.0.2.7:8006"), std::optional<std::string>("https://192.0.2.7:4321")}) {
    auto request = naming();
    request.origin = origin;
    EXPECT_EQ(access.judge(request), Verdict::forbidden) << origin.value_or("none");
  }
}

TEST_F(PhoneAccessTest, LimitsHoldForEverybody) {
  auto large = opening();
  large.header_bytes = PhoneAccess::most_head + 1;
  EXPECT_EQ(access.judge(large), Verdict::long_head);
  EXPECT_FALSE(access.opened());
  open();
  auto request = naming();
  request.body_bytes = PhoneAccess::most_body + 1;
  EXPECT_EQ(access.judge(request), Verdict::too_large);
  request.body_bytes.reset();
  EXPECT_EQ(access.judge(request), Verdict::no_length);
  request = known(get("/name"));
  EXPECT_EQ(access.judge(request), Verdict::no_method);
  EXPECT_EQ(access.judge(known(get("/etc/passwd"))), Verdict::not_found);
  request = known(get("/state"));
  request.method = "DELETE";
  EXPECT_EQ(access.judge(request), Verdict::no_method);
}

TEST_F(PhoneAccessTest, OnPort80BrowsersLeaveThePortOut) {
  PhoneAccess on_80{{"192.0.2.7:80", "t", "c", "n"}};
  auto request = get("/");
  request.token = "t";
  request.hosts = {"192.0.2.7"};
  EXPECT_EQ(on_80.judge(request), Verdict::page);
}

TEST(PhonePlace, IsOneAddressOfAnInterface) {
  EXPECT_EQ(parse_phone_place("").address, "");
  EXPECT_EQ(parse_phone_place("192.0.2.7").port, 0);
  EXPECT_EQ(authority(parse_phone_place("192.0.2.7:8080")), "192.0.2.7:8080");
  EXPECT_EQ(parse_phone_place("2001:db8::1").address, "2001:db8::1");
  EXPECT_EQ(authority(parse_phone_place("[2001:DB8:0::1]:80")), "[2001:db8::1]:80") << "as a browser writes it";
  EXPECT_EQ(parse_phone_place("[::1]").address, "::1");
  for (const char* wrong : {"0.0.0.0",
                            "0.0.0.0:80",
                            "::",
                            "[::]:80",
                            "224.0.0.1",
                            "255.255.255.255",
                            "ff02::1",
                            "fe80::1",
                            "::ffff:0.0.0.0",
                            "host.example",
                            "192.0.2.7:",
                            "192.0.2.7:0",
                            "192.0.2.7:65536",
                            "192.0.2.7:80x",
                            "192.0.2",
                            ":80",
                            "[192.0.2.7]:80",
                            "[::1",
                            "[::1]80",
                            "1.2.3.4:\n"})
    EXPECT_THROW(parse_phone_place(wrong), Error) << wrong;
}

TEST(PhoneMessages, ComeBackAsTheyWere) {
  const auto message = decode(encode({"answer", to_text(PhoneAnswer{7, "前面板\n1"})}));
  EXPECT_EQ(message.word, "answer");
  const auto answer = answer_from(message.text);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->number, 7u);
  EXPECT_EQ(answer->name, "前面板\n1");
  const auto back = start_from(to_text(start));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->url(), "http://192.0.2.7:4321/?t=the-token");
  EXPECT_EQ(back->cookie, start.cookie);
  EXPECT_EQ(back->nonce, start.nonce);
}

TEST(PhoneMessages, OfAProcessThatWasTakenOverAreNothing) {
  for (const char* text : {"", "\n", "x\nname", "-1\nname", "99999999999\nname", " 1\nname", "1 \nname"})
    EXPECT_FALSE(answer_from(text)) << text;
  EXPECT_EQ(code_from("21\n" + std::string(441, '1')).side, 21u);
  EXPECT_EQ(code_from("21\n" + std::string(440, '1') + "\033").side, 0u) << "nothing else reaches the terminal";
  EXPECT_EQ(code_from("21\n" + std::string(440, '1')).side, 0u);
  EXPECT_EQ(code_from("4294967296\n").side, 0u);
  EXPECT_EQ(code_from("").side, 0u);
  EXPECT_FALSE(start_from("a\nb\nc"));
}

TEST(PhoneSecret, IsLongAndAnotherEachTime) {
  const auto a = new_secret(), b = new_secret();
  EXPECT_EQ(a.size(), 32u);
  EXPECT_NE(a, b);
  EXPECT_TRUE(same_secret(a, std::string(a)));
  EXPECT_FALSE(same_secret(a, b));
  EXPECT_FALSE(same_secret(a, ""));
}

QrCode chequered(std::size_t side) {
  QrCode code{side, {}};
  for (std::size_t i = 0; i < side * side; ++i) code.modules += i % 2 == 0 ? '1' : '0';
  return code;
}

TEST(PhoneCode, IsDrawnInHalfBlocksWithALightEdge) {
  const auto lines = half_blocks(chequered(21));
  ASSERT_EQ(lines.size(), 13u);
  for (const auto& line : lines) EXPECT_EQ(display_width(line), 25u);
  EXPECT_EQ(lines[0].substr(0, 3), "█");
  EXPECT_THAT(lines[1], HasSubstr("██▄▀▄▀")) << "dark above light, light above dark";
  EXPECT_EQ(lines[12].substr(0, 3), "▀") << "25 rows: below the last there is none";
  EXPECT_TRUE(half_blocks({}).empty());
}

std::string text_of(const LearnPage& page) {
  std::string text;
  for (const auto& line : page.lines) {
    for (const auto& span : line) text += span.text;
    text += "\n";
  }
  return text;
}

TEST(PhoneCode, FitsTheSmallestUsualTerminal) {
  const std::string url = "http://192.168.100.200:54321/?t=" + std::string(32, 'x');
  const auto page = phone_code_page(chequered(37), url, 80, 24);
  EXPECT_LE(page.lines.size(), 24u);
  EXPECT_THAT(text_of(page), HasSubstr(url));
  EXPECT_THAT(text_of(page), HasSubstr("▀"));
  const auto small = phone_code_page(chequered(37), url, 80, 12);
  EXPECT_LE(small.lines.size(), 12u);
  EXPECT_THAT(text_of(small), HasSubstr(url));
  for (int height = 1; height < 30; ++height)
    EXPECT_LE(phone_code_page(chequered(37), url, 20, height).lines.size(), static_cast<std::size_t>(height));
}

}  // namespace
}  // namespace hostsplit
