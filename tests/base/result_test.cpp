// Errors as values, the clock's text, and the log's levels and lines.
#include "server/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "server/base/clock.hpp"
#include "server/base/log.hpp"

namespace tutti {
namespace {

TEST(ResultTest, HoldsAValueOrAnError) {
  const Result<int> good = 5;
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(*good, 5);
  const Result<int> bad = Error(Code::NotFound, "no such thing", "make one");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Code::NotFound);
  EXPECT_TRUE(ok().ok());
}

TEST(ResultTest, ValuesMoveOut) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(ResultTest, ErrorsSayWhatAndWhatNext) {
  const Error plain(Code::Conflict, "it is running");
  EXPECT_EQ(plain.text(), "it is running");
  EXPECT_EQ(plain.name(), "conflict");
  EXPECT_EQ(plain.details(), "");
  const Error full =
      Error(Code::Conflict, "it is running", "stop it").named("session_busy").withDetails("[1]");
  EXPECT_EQ(full.text(), "it is running (stop it)");
  EXPECT_EQ(full.name(), "session_busy");
  EXPECT_EQ(full.details(), "[1]");
}

TEST(ResultTest, CodesHaveStableNames) {
  const std::pair<Code, const char*> names[] = {
      {Code::InvalidArgument, "invalid_argument"},
      {Code::NotFound, "not_found"},
      {Code::Conflict, "conflict"},
      {Code::ResourceExhausted, "resource_exhausted"},
      {Code::FailedPrecondition, "failed_precondition"},
      {Code::Unavailable, "unavailable"},
      {Code::DeadlineExceeded, "deadline_exceeded"},
      {Code::Cancelled, "cancelled"},
      {Code::Internal, "internal"},
  };
  for (const auto& [code, name] : names) EXPECT_EQ(codeName(code), name);
}

TEST(ClockTest, TimestampsAreUtcWithMicroseconds) {
  const auto at = [](std::int64_t micros) {
    return isoTimestamp(WallTime(std::chrono::microseconds(micros)));
  };
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000000+00:00");
  EXPECT_EQ(at(1'795'293'412'152'525), "2026-11-21T20:36:52.152525+00:00");
  EXPECT_EQ(at(951'782'400'000'001), "2000-02-29T00:00:00.000001+00:00");
}

TEST(ClockTest, ComparingTheTextComparesTheTime) {
  WallTime time{std::chrono::seconds(1'700'000'000)};
  std::string before = isoTimestamp(time);
  for (int i = 0; i < 1000; ++i) {
    time += std::chrono::microseconds(999'999'937);
    const std::string after = isoTimestamp(time);
    EXPECT_LT(before, after);
    EXPECT_EQ(before.size(), after.size());
    before = after;
  }
}

TEST(ClockTest, MillisecondsSinceTheEpoch) {
  EXPECT_EQ(epochMillis(WallTime(std::chrono::microseconds(1'999))), 1);
  EXPECT_GT(epochMillis(Clock::system().now()), 1'700'000'000'000);
}

TEST(LogTest, LevelsAreReadByTheirWordOnly) {
  using log::Level;
  const std::pair<const char*, Level> words[] = {{"debug", Level::Debug},
                                                 {"info", Level::Info},
                                                 {"warning", Level::Warning},
                                                 {"error", Level::Error},
                                                 {"off", Level::Off}};
  for (const auto& [word, expected] : words) {
    Level level = expected == Level::Off ? Level::Debug : Level::Off;
    EXPECT_TRUE(log::parseLevel(word, level));
    EXPECT_EQ(level, expected);
  }
  for (const char* word : {"", "Debug", "warn", "debug ", "5"}) {
    Level level = Level::Error;
    EXPECT_FALSE(log::parseLevel(word, level)) << word;
    EXPECT_EQ(level, Level::Error);
  }
}

TEST(LogTest, RecordsAreJsonLinesOnStderrFromTheLevelOn) {
  log::configure(log::Level::Info);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  log::debug("unseen");
  log::info("a \"b\"\n", {{"text", "x\xFF"}, {"count", 3}, {"flag", true}});
  const std::string err = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "") << "stdout belongs to the protocol";
  log::configure(log::Level::Warning);
  EXPECT_EQ(err.substr(0, 9), "{\"time\":\"");
  EXPECT_NE(err.find("\"level\":\"info\",\"message\":\"a \\\"b\\\"\\n\",\"text\":\"x\xEF\xBF\xBD\","
                     "\"count\":3,\"flag\":true}\n"),
            std::string::npos)
      << err;
  EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1);
}

}  // namespace
}  // namespace tutti
