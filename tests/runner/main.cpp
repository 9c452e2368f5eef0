// The test program is its own run-host: `runner_test run-host --data D --session S --generation N`.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "server/base/log.hpp"
#include "server/runner/host.hpp"

namespace {
int runHostFromArguments(int count, char** words) {
  tutti::runner::HostAddress address;
  for (int i = 2; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    if (name == "--data") address.store_folder = words[i + 1];
    if (name == "--session") address.session_id = words[i + 1];
    if (name == "--generation") address.generation = std::strtoll(words[i + 1], nullptr, 10);
  }
  tutti::log::configure(tutti::log::Level::Info);
  return tutti::runner::runHost(address);
}
}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::string_view(words[1]) == "run-host")
    return runHostFromArguments(count, words);
  testing::InitGoogleTest(&count, words);
  return RUN_ALL_TESTS();
}
