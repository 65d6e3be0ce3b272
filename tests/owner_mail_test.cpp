// What root hears of by mail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/names.hpp"
#include "host/store/store.hpp"
#include "service/reconciler/owner_mail.hpp"
#include "service/reconciler/reconciler.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;

const OwnerMail::Time start(1000s);

TEST(OwnerMail, SendsEachThingOnceAndAtMostOneMailAnHour) {
  OwnerMail mail;
  EXPECT_FALSE(mail.due(start));
  mail.hear("a", "A broke");
  mail.hear("b", "B broke");
  const auto first = mail.due(start);
  ASSERT_TRUE(first);
  EXPECT_THAT(*first, HasSubstr("* A broke\n* B broke\n"));
  mail.hear("a", "A broke again");
  mail.hear("c", "C broke");
  EXPECT_FALSE(mail.due(start + 59min));
  const auto second = mail.due(start + 60min);
  ASSERT_TRUE(second);
  EXPECT_THAT(*second, HasSubstr("C broke"));
  EXPECT_THAT(*second, Not(HasSubstr("A broke")));
  EXPECT_FALSE(mail.due(start + 10h));
}

TEST(OwnerMail, WhatIsOverIsNotSentAndIsNewsWhenItComesAgain) {
  OwnerMail mail;
  mail.hear("a", "A broke");
  mail.over("a");
  EXPECT_FALSE(mail.due(start));
  mail.hear("a", "A broke");
  ASSERT_TRUE(mail.due(start));
  mail.over("a");
  mail.hear("a", "A broke once more");
  EXPECT_TRUE(mail.due(start + 2h));
}

TEST(OwnerMail, ARestartOfTheServiceSendsNothingAgain) {
  OwnerMail before;
  before.hear("a", "A broke");
  ASSERT_TRUE(before.due(start));
  OwnerMail after(before.to_text());
  after.hear("a", "A broke");
  EXPECT_FALSE(after.due(start + 5h));
  after.hear("b", "B broke");
  EXPECT_FALSE(after.due(start + 1min)) << "the hour is not over";
  EXPECT_TRUE(after.due(start + 61min));
  EXPECT_EQ(OwnerMail("nonsense").to_text(), "");
}

TEST(OwnerMail, TheServiceHearsOfASuspensionAndOfAVmThatIsWrong) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  const Context context = split.context();
  Reconciler quiet(context, {});
  quiet.look(start);
  quiet.send_mail(start);
  EXPECT_FALSE(split.root.exists(names::mail_file)) << "nothing is wrong";

  split.host.set_file(names::boot_health_file, "begun=3 boot=x network=yes\n");
  save_proof(split.effects, 101, {2, 1});
  Reconciler reconciler(context, {});
  reconciler.look(start);
  reconciler.send_mail(start);
  const std::string text = split.host.file(names::mail_file);
  EXPECT_THAT(text, HasSubstr("hostsplit is suspended"));
  EXPECT_THAT(text, HasSubstr("hostsplit verify 101"));

  split.host.remove(names::mail_file);
  split.host.remove(names::mailed_file);
  split.configure("[notify]\nmail = \"off\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  Reconciler silent(context, {});
  silent.look(start);
  silent.send_mail(start);
  EXPECT_FALSE(split.root.exists(names::mail_file));
}

}  // namespace
}  // namespace hostsplit
