// What every test of routed requests asks of the decision, and when it has ended.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {

class RoutedTest : public ::testing::Test {
 protected:
  static Json explained(TuttiProcess& tutti, const Json& decision) {
    return tutti.call("explain_route",
                      {{"decision_id", decision.value("decision_id", "")}})["decision"];
  }
  /// As explained once the decision has ended.
  static Json ended(TuttiProcess& tutti, const Json& decision) {
    Json now = explained(tutti, decision);
    for (int i = 0; i < 600 && now.value("status", "") == "dispatched"; ++i) {
      const std::string session = now["sessions"].back()["session_id"].get<std::string>();
      tutti.call("get_result", {{"session_id", session}, {"wait_s", 1}});
      now = explained(tutti, decision);
    }
    return now;
  }

  TempFolder folder_;
};

}  // namespace tutti::test
