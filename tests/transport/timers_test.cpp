#include "server/transport/timers.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <vector>

namespace tutti::transport {
namespace {

TEST(TimersTest, RunInTheOrderOfTheirTimesAndADroppedOneNever) {
  boost::asio::io_context io;
  const auto timers = makeTimers(io);
  std::vector<int> ran;
  const auto second = timers->after(20, [&ran] { ran.push_back(2); });
  const auto first = timers->after(1, [&ran] { ran.push_back(1); });
  auto dropped = timers->after(10, [&ran] { ran.push_back(3); });
  dropped = nullptr;
  EXPECT_TRUE(ran.empty());
  io.run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(TimersTest, AHandleDroppedWhenItsTimeHasComeStopsItStill) {
  boost::asio::io_context io;
  const auto timers = makeTimers(io);
  bool ran = false;
  std::shared_ptr<void> later;
  const auto sooner = timers->after(0, [&later] { later = nullptr; });
  later = timers->after(0, [&ran] { ran = true; });
  io.run();
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace tutti::transport
