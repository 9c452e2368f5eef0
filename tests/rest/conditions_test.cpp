#include "server/rest/conditions.hpp"

#include <gtest/gtest.h>

namespace tutti::rest {
namespace {

constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

Validators now() {
  return {"\"v3\"",
          std::chrono::system_clock::from_time_t(784111777) + std::chrono::milliseconds(500)};
}

Conditions conditions(std::optional<std::string> Conditions::*member, std::string_view value) {
  Conditions made;
  made.*member = std::string(value);
  return made;
}

TEST(ConditionsTest, IfNoneMatchComparesWeakly) {
  for (const char* tag : {"\"v3\"", "W/\"v3\"", "\"x\", \"v3\"", "*"}) {
    EXPECT_EQ(judgeRead(conditions(&Conditions::if_none_match, tag), now()), Verdict::NotModified);
    EXPECT_EQ(judgeChange(conditions(&Conditions::if_none_match, tag), now()),
              Verdict::PreconditionFailed);
  }
  EXPECT_EQ(judgeRead(conditions(&Conditions::if_none_match, "\"v2\""), now()), Verdict::Proceed);
}

TEST(ConditionsTest, IfMatchComparesStrongly) {
  for (const char* tag : {"\"v3\"", "\"a,b\", \"v3\"", "*"})
    EXPECT_EQ(judgeChange(conditions(&Conditions::if_match, tag), now()), Verdict::Proceed) << tag;
  for (const char* tag : {"W/\"v3\"", "\"v2\"", "v3", ""}) {
    EXPECT_EQ(judgeChange(conditions(&Conditions::if_match, tag), now()),
              Verdict::PreconditionFailed)
        << tag;
    EXPECT_EQ(judgeRead(conditions(&Conditions::if_match, tag), now()), Verdict::PreconditionFailed)
        << tag;
  }
}

TEST(ConditionsTest, DatesCountBySeconds) {
  const char* before = "Sun, 06 Nov 1994 08:49:36 GMT";
  EXPECT_EQ(judgeRead(conditions(&Conditions::if_modified_since, kDate), now()),
            Verdict::NotModified);
  EXPECT_EQ(judgeRead(conditions(&Conditions::if_modified_since, before), now()), Verdict::Proceed);
  EXPECT_EQ(judgeRead(conditions(&Conditions::if_modified_since, "yesterday"), now()),
            Verdict::Proceed);
  EXPECT_EQ(judgeChange(conditions(&Conditions::if_unmodified_since, kDate), now()),
            Verdict::Proceed);
  EXPECT_EQ(judgeChange(conditions(&Conditions::if_unmodified_since, before), now()),
            Verdict::PreconditionFailed);
}

TEST(ConditionsTest, TagsWinOverDates) {
  Conditions both = conditions(&Conditions::if_none_match, "\"v2\"");
  both.if_modified_since = kDate;
  EXPECT_EQ(judgeRead(both, now()), Verdict::Proceed);
}

TEST(ConditionsTest, IfRangeLetsARangeThroughOnlyForTheSameContent) {
  EXPECT_TRUE(rangeHolds({}, now()));
  EXPECT_TRUE(rangeHolds(conditions(&Conditions::if_range, "\"v3\""), now()));
  EXPECT_FALSE(rangeHolds(conditions(&Conditions::if_range, "\"v2\""), now()));
  EXPECT_FALSE(rangeHolds(conditions(&Conditions::if_range, "W/\"v3\""), now()));
  EXPECT_TRUE(rangeHolds(conditions(&Conditions::if_range, kDate), now()));
  EXPECT_FALSE(rangeHolds(conditions(&Conditions::if_range, "nonsense"), now()));
}

TEST(ConditionsTest, TimesOfTheStoreAreReadToTheSecond) {
  const auto time = parseIsoTimestamp("1994-11-06T08:49:37.152525+00:00");
  ASSERT_TRUE(time);
  EXPECT_EQ(httpDate(*time), kDate);
  EXPECT_FALSE(parseIsoTimestamp("yesterday"));
}

TEST(ConditionsTest, DatesAreReadInAllThreeForms) {
  for (const char* text : {kDate, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    const auto time = parseHttpDate(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(httpDate(*time), kDate);
  }
  EXPECT_FALSE(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT!"));
  EXPECT_FALSE(parseHttpDate(""));
}

}  // namespace
}  // namespace tutti::rest
