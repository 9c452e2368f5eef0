// What becomes of requests that several agents take part in: swarms with their coordinator,
// workflows step by step, gates, and further candidates, over kill -9 and over replicas that know
// no blueprints.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>

#include "tests/integration/fakes.hpp"
#include "tests/integration/routed.hpp"

namespace tutti::test {
namespace {

constexpr const char* kSwarmRequest = "examine our firewall hardening and the gpu hardware";
constexpr const char* kWorkRequest = "do the harvest";
constexpr const char* kGatedRequest = "pay the dunning letter";

class RouteStagesTest : public RoutedTest {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  /// A program that has begun and waits for the file "go" before it does `then`.
  std::string waiting(const std::string& began, const std::string& then) const {
    return "touch " + path(began) + "; while [ ! -e " + path("go") + " ]; do sleep 0.05; done; " +
           then;
  }
  void writeSwarm(const std::string& security, const std::string& hardware,
                  const std::string& coordinator) {
    writeProgram(folder_, "guard", security, {{"description", "Finds out about locks"}});
    writeProgram(folder_, "smith", hardware, {{"description", "Finds out about machines"}});
    writeProgram(folder_, "chair", coordinator, {{"description", "Chairs a meeting"}});
    folder_.write("blueprints/routing/swarm.yaml", R"yaml(
signals:
  examine:
    - {weight: 0.9, terms: [examine]}
swarms:
  two:
    description: One researcher for each
    domains:
      security: [guard]
      hardware: [smith]
    otherwise: [guard]
strategies:
  examine:
    description: Has to be examined
    when: {signal: examine}
    priority: 500
    then: {type: research_swarm, swarm: two, agent: chair}
)yaml");
  }
  void writeWorkflow(const std::string& reap, const std::string& thresh, const std::string& mill) {
    writeProgram(folder_, "reaper", reap, {{"description", "Reaps corn"}});
    writeProgram(folder_, "thresher", thresh, {{"description", "Threshes corn"}});
    writeProgram(folder_, "miller", mill, {{"description", "Mills corn"}});
    folder_.write("blueprints/routing/workflow.yaml", R"yaml(
signals:
  harvest:
    - {weight: 0.9, terms: [harvest]}
workflows:
  bread:
    description: From the field to flour
    steps: [reaper.reap_corn, thresher.thresh_corn, miller.mill_corn]
    rollback: true
strategies:
  harvest:
    description: The harvest has to be brought in
    when: {signal: harvest}
    priority: 500
    then: {type: multi_agent, workflow: bread}
)yaml");
  }
  /// A bookkeeper with a gate before the work and one after it.
  void writeGates(const std::string& porter, const std::string& auditor) {
    writeProgram(folder_, "porter", porter, {{"description", "Opens the gate"}});
    writeProgram(folder_, "auditor", auditor, {{"description", "Counts money"}});
    writeProgram(folder_, "bookkeeper", "echo paid by \"$2\"",
                 {{"description", "Pays bills"}, {"examples", {"pay the dunning letter"}}});
    folder_.write("blueprints/routing/gates.yaml", R"yaml(
signals:
  dunning:
    - {weight: 0.9, terms: [dunning letter]}
strategies:
  dunning:
    description: Dunning letters go to the bookkeeper
    when: {signal: dunning}
    priority: 500
    then: {type: single_agent, agent: bookkeeper}
gates:
  first-look:
    description: Who asks is looked at
    when: {signal: dunning}
    agent: porter
    action: check_asker
    at: start
  four-eyes:
    description: Money is checked
    when: {signal: dunning}
    agent: auditor
    action: check_sum
)yaml");
  }
  /// Dispatches a workflow below a session whose only other child takes the room that
  /// `--children-max 1` leaves, until the file "room" is there; ends its first step while no tutti
  /// runs. What to ask for its end.
  Json beginWithoutRoom() {
    writeWorkflow(waiting("one", "echo ten sheaves"), "echo threshed", "echo flour");
    writeProgram(folder_, "parent", "echo done", {{"description", "Has children"}});
    writeProgram(
        folder_, "guest",
        "touch " + path("two") + "; while [ ! -e " + path("room") + " ]; do sleep 0.05; done",
        {{"description", "Takes room"}});
    TuttiProcess dying(folder_);
    const Json parent =
        dying.call("start_agent",
                   {{"blueprint", "parent"}, {"prompt", "x"}, {"mode", "sync"}, {"wait_s", 50}});
    dying.call(
        "start_agent",
        {{"blueprint", "guest"}, {"prompt", "x"}, {"parent_session_id", parent["session_id"]}});
    const Json asked = {{"request", kWorkRequest},
                        {"dispatch", true},
                        {"mode", "sync"},
                        {"wait_s", 50},
                        {"idempotency_key", "bread"},
                        {"parent_session_id", parent["session_id"]}};
    dying.send({{"jsonrpc", "2.0"},
                {"id", "asked"},
                {"method", "tools/call"},
                {"params", {{"name", "route_request"}, {"arguments", asked}}}});
    EXPECT_TRUE(waitForFile(path("one")));
    EXPECT_TRUE(waitForFile(path("two")));
    dying.kill(SIGKILL);
    dying.wait();
    folder_.write("go", "");
    return asked;
  }
  /// The only decision, once it waits.
  static Json awaitWaiting(TuttiProcess& tutti) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Json now;
    while (!now.contains("waiting") && std::chrono::steady_clock::now() < until) {
      const Json known = tutti.call("explain_route")["decisions"];
      if (!known.empty()) now = explained(tutti, known[0]);
    }
    return now;
  }
  static Json dispatched(TuttiProcess& tutti, const std::string& request,
                         Json more = Json::object()) {
    Json arguments = {{"request", request}, {"dispatch", true}, {"mode", "sync"}, {"wait_s", 50}};
    arguments.update(more);
    return tutti.call("route_request", arguments);
  }
  static std::string printed(const Json& report) {
    return report["result_data"].value("stdout", "");
  }
};

TEST_F(RouteStagesTest, CoordinatorIsToldWhatAllResearchersFoundAndEndsTheSwarm) {
  writeSwarm("echo locks are fine", "echo machines are old", "echo \"$2\"");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kSwarmRequest);
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 3U) << made.dump(2);
  EXPECT_EQ(made["agent"], "chair");
  ASSERT_EQ(made["results"].size(), 3U) << made.dump(2);
  EXPECT_EQ(made["results"][2]["agent"], "chair");
  EXPECT_NE((made["results"][0]["title"].get<std::string>() +
             made["results"][1]["title"].get<std::string>())
                .find("research: hardware"),
            std::string::npos)
      << made.dump(2);
  const std::string told = printed(made["result"]);
  EXPECT_NE(told.find(kSwarmRequest), std::string::npos) << told;
  EXPECT_NE(told.find("locks are fine"), std::string::npos) << told;
  EXPECT_NE(told.find("machines are old"), std::string::npos) << told;
  ASSERT_EQ(made["stages"].size(), 2U) << made.dump(2);
  EXPECT_EQ(made["stages"][1]["parts"][0]["state"], "succeeded");
}

TEST_F(RouteStagesTest, CoordinatorIsToldOfTheResearcherThatFailed) {
  writeSwarm("echo locks are fine", "echo broken >&2; exit 3", "echo \"$2\"");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kSwarmRequest, {{"attempts_max", 1}});
  EXPECT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  const std::string told = printed(made["result"]);
  EXPECT_NE(told.find("This part failed"), std::string::npos) << told;
  EXPECT_NE(told.find("agent_exited"), std::string::npos) << told;
  EXPECT_NE(made.value("problem", "").find("research: hardware (smith)"), std::string::npos)
      << made.dump(2);
}

TEST_F(RouteStagesTest, NobodyCoordinatesWhatNobodyHasFound) {
  writeSwarm("exit 3", "exit 4", "echo \"$2\"");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kSwarmRequest, {{"attempts_max", 1}});
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  EXPECT_EQ(made["sessions"].size(), 2U);
  EXPECT_EQ(made["stages"][1]["parts"][0]["state"], "waiting");
}

TEST_F(RouteStagesTest, CoordinatorIsStartedOnceAfterTheDispatcherWasKilled) {
  writeSwarm(waiting("one", "echo locks"), waiting("two", "echo machines"), "echo \"$2\"");
  Json made;
  {
    TuttiProcess dying(folder_);
    made = dispatched(dying, kSwarmRequest, {{"mode", "async_poll"}});
    ASSERT_EQ(made["sessions"].size(), 2U) << made.dump(2);
    ASSERT_TRUE(waitForFile(path("one")));
    ASSERT_TRUE(waitForFile(path("two")));
    dying.kill(SIGKILL);
    dying.wait();
  }
  folder_.write("go", "");
  TuttiProcess one(folder_);
  TuttiProcess other(folder_);
  const Json kept = ended(one, made);
  EXPECT_EQ(kept["status"], "succeeded") << kept.dump(2);
  EXPECT_EQ(kept["sessions"].size(), 3U) << kept.dump(2);
  EXPECT_EQ(other.call("list_sessions")["sessions"].size(), 3U);
}

TEST_F(RouteStagesTest, StepsRunOneAfterTheOtherEachWithWhatCameBefore) {
  writeWorkflow("echo ten sheaves", "echo \"$2\"", "echo \"$2\"");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kWorkRequest);
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 3U) << made.dump(2);
  EXPECT_EQ(made["agent"], "reaper");
  const std::string second = printed(made["results"][1]);
  EXPECT_NE(second.find("step 2 of 3: thresh_corn"), std::string::npos) << second;
  EXPECT_NE(second.find("ten sheaves"), std::string::npos) << second;
  EXPECT_NE(printed(made["result"]).find("step 3 of 3: mill_corn"), std::string::npos);
  EXPECT_EQ(made.value("note", "").find("no workflow engine"), std::string::npos);
  EXPECT_EQ(made["sessions"][1]["part"], "step 2 of 3: thresh_corn");
  const Json kept = explained(tutti, made);
  ASSERT_EQ(kept["feedback"].size(), 3U) << kept.dump(2);
  for (const Json& one : kept["feedback"]) EXPECT_FALSE(one["learnt"].get<bool>()) << one;
}

TEST_F(RouteStagesTest, FailedStepEndsTheWorkflowAndSaysWhichAndWhatIsToBeUndone) {
  writeWorkflow("echo ten sheaves", "exit 3", "echo flour");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kWorkRequest, {{"attempts_max", 1}});
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  EXPECT_EQ(made["sessions"].size(), 2U) << made.dump(2);
  EXPECT_NE(made.value("problem", "").find("step 2 of 3: thresh_corn (thresher)"),
            std::string::npos)
      << made.dump(2);
  EXPECT_NE(made.value("hint", "").find("finished steps be undone"), std::string::npos)
      << made.dump(2);
  EXPECT_NE(made.value("hint", "").find("step 1 of 3: reap_corn (reaper)"), std::string::npos);
  EXPECT_EQ(made["stages"][2]["parts"][0]["state"], "waiting");
}

TEST_F(RouteStagesTest, StepThatAnotherCanDoGoesOnWithTheNextCandidate) {
  writeWorkflow("echo ten sheaves", "exit 3", "echo \"$2\"");
  writeProgram(folder_, "combine", "echo threshed by $0",
               {{"description", "Does the harvest"}, {"examples", {"do the harvest"}}});
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kWorkRequest);
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 4U) << made.dump(2);
  EXPECT_EQ(made["sessions"][2]["agent"], "combine");
  EXPECT_EQ(made["sessions"][2]["part"], "step 2 of 3: thresh_corn");
  EXPECT_NE(printed(made["result"]).find("threshed by"), std::string::npos);
}

TEST_F(RouteStagesTest, WorkflowGoesOnAfterAKillWithoutTheFilesThatItBeganWith) {
  writeWorkflow(waiting("one", "echo ten sheaves"), "echo \"$2\"", "echo \"$2\"");
  Json made;
  {
    TuttiProcess dying(folder_);
    made = dispatched(dying, kWorkRequest, {{"mode", "async_poll"}});
    ASSERT_TRUE(waitForFile(path("one"))) << made.dump(2);
    dying.kill(SIGKILL);
    dying.wait();
  }
  folder_.write("go", "");
  TuttiProcess other(folder_, {.environment = {"TUTTI_BLUEPRINTS=" + path("none")}});
  const Json kept = ended(other, made);
  EXPECT_EQ(kept["status"], "succeeded") << kept.dump(2);
  EXPECT_EQ(kept["sessions"].size(), 3U) << kept.dump(2);
}

TEST_F(RouteStagesTest, StepThatTheStoreRefusesEndsTheWorkflowAndSaysWhy) {
  writeWorkflow(waiting("one", "echo ten sheaves"), "echo threshed", "echo flour");
  writeProgram(folder_, "parent", "echo done", {{"description", "Has children"}});
  TuttiProcess tutti(folder_);
  const Json parent = tutti.call(
      "start_agent", {{"blueprint", "parent"}, {"prompt", "x"}, {"mode", "sync"}, {"wait_s", 50}});
  const Json made = dispatched(
      tutti, kWorkRequest, {{"mode", "async_poll"}, {"parent_session_id", parent["session_id"]}});
  ASSERT_TRUE(waitForFile(path("one"))) << made.dump(2);
  const Json gone = tutti.call("delete_session", {{"session_id", parent["session_id"]}});
  ASSERT_FALSE(gone.contains("error")) << gone.dump(2);
  folder_.write("go", "");
  const Json kept = ended(tutti, made);
  EXPECT_EQ(kept["status"], "needs_decision") << kept.dump(2);
  EXPECT_NE(kept.value("problem", "").find("thresher cannot be started: parent session"),
            std::string::npos)
      << kept.dump(2);
  EXPECT_EQ(kept["sessions"].size(), 1U);
}

TEST_F(RouteStagesTest, StepThatHasNoRoomYetIsStartedWhenThereIsSomeWhoeverWasKilledMeanwhile) {
  const Json asked = beginWithoutRoom();
  {
    TuttiProcess full(folder_, {.arguments = {"--children-max", "1", "stdio"}});
    const Json waiting = awaitWaiting(full);
    EXPECT_EQ(waiting.value("status", ""), "dispatched") << waiting.dump(1);
    EXPECT_NE(waiting["waiting"].value("reason", "").find("children_max"), std::string::npos)
        << waiting.dump(1);
    full.kill(SIGKILL);
    full.wait();
  }
  folder_.write("room", "");
  TuttiProcess other(folder_, {.arguments = {"--children-max", "1", "stdio"}});
  const Json made = other.call("route_request", asked);
  EXPECT_EQ(made.value("status", ""), "succeeded") << made.dump(1);
  EXPECT_EQ(made["sessions"].size(), 3U) << made.dump(1);
  EXPECT_FALSE(made.contains("waiting")) << made.dump(1);
}

TEST_F(RouteStagesTest, StepThatHasNoRoomForLongIsPutToAPerson) {
  const Json asked = beginWithoutRoom();
  TuttiProcess full(folder_,
                    {.arguments = {"--children-max", "1", "--route-start-wait", "1", "stdio"}});
  const Json made = full.call("route_request", asked);
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(1);
  EXPECT_NE(made.value("problem", "").find("(--route-start-wait)"), std::string::npos)
      << made.dump(1);
  EXPECT_NE(made.value("problem", "").find("children_max"), std::string::npos) << made.dump(1);
  folder_.write("room", "");
}

TEST_F(RouteStagesTest, GatesLookBeforeAndAfterTheWork) {
  writeGates("echo \"$2\"", "echo '{\"passed\": true, \"reason\": \"the sum is right\"}'");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kGatedRequest);
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 3U) << made.dump(2);
  EXPECT_EQ(made["sessions"][0]["agent"], "porter");
  EXPECT_EQ(made["sessions"][1]["agent"], "bookkeeper");
  EXPECT_EQ(made["sessions"][2]["part"], "gate four-eyes: check_sum");
  EXPECT_NE(printed(made["results"][1]).find("paid by"), std::string::npos);
}

TEST_F(RouteStagesTest, GateThatSaysNoKeepsTheWorkFromBeginning) {
  writeGates("echo '{\"passed\": false, \"reason\": \"a stranger asks\"}'", "echo fine");
  TuttiProcess tutti(folder_);
  const Json made = dispatched(tutti, kGatedRequest);
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 1U) << made.dump(2);
  EXPECT_EQ(made["sessions"][0]["error"]["name"], "gate_refused");
  EXPECT_EQ(made.value("problem", ""),
            "gate first-look: check_asker (porter) does not let it pass: a stranger asks");
  EXPECT_EQ(made["stages"][1]["parts"][0]["state"], "waiting");
  const Json kept = explained(tutti, made);
  EXPECT_EQ(kept["feedback"][0]["outcome"], "succeeded") << "the gate did what it is for";
}

TEST_F(RouteStagesTest, GateThatSaysNoAfterTheWorkPutsItToAPersonWithWhatWasDone) {
  writeGates("echo fine", "exit 1");
  folder_.write(
      "blueprints/agents/auditor/agent.json",
      Json({{"name", "auditor"}, {"driver", "claude"}, {"description", "Counts money"}}).dump());
  TuttiProcess tutti(folder_, {.environment = {fakeClaude()}});
  // The fake answers what the schema asks for by a line of its prompt.
  const Json made =
      dispatched(tutti, std::string(kGatedRequest) +
                            "\nstructured:{\"passed\":false,\"reason\":\"too much\"}");
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 3U) << made.dump(2);
  EXPECT_NE(made.value("problem", "").find("(auditor) does not let it pass: too much"),
            std::string::npos)
      << made.dump(2);
  EXPECT_NE(printed(made["results"][1]).find("paid by"), std::string::npos);
}

TEST_F(RouteStagesTest, GateThatAnswersNothingUsableIsPutToAPerson) {
  writeGates("echo fine", "exit 1");
  folder_.write(
      "blueprints/agents/auditor/agent.json",
      Json({{"name", "auditor"}, {"driver", "claude"}, {"description", "Counts money"}}).dump());
  TuttiProcess tutti(folder_, {.environment = {fakeClaude()}});
  const Json made = dispatched(tutti, std::string(kGatedRequest) + "\nstructured:{\"passed\":1}");
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  EXPECT_NE(made.value("problem", "").find("output_schema_violation"), std::string::npos)
      << made.dump(2);
}

TEST_F(RouteStagesTest, NextCandidateIsStartedByAReplicaThatDoesNotKnowIt) {
  writeProgram(folder_, "gardener", waiting("one", "exit 3"),
               {{"description", "Cares for roses in the garden"},
                {"examples", {"water the roses", "plant an apple tree"}}});
  writeProgram(folder_, "florist", "echo fine", {{"description", "Binds roses of the garden"}});
  Json made;
  {
    TuttiProcess dying(folder_);
    made = dispatched(dying, "water the roses and plant an apple tree",
                      {{"mode", "async_poll"}, {"candidates", {"gardener", "florist"}}});
    ASSERT_TRUE(waitForFile(path("one"))) << made.dump(2);
    dying.kill(SIGKILL);
    dying.wait();
  }
  folder_.write("go", "");
  TuttiProcess other(folder_, {.environment = {"TUTTI_BLUEPRINTS=" + path("none")}});
  const Json kept = ended(other, made);
  EXPECT_EQ(kept["status"], "succeeded") << kept.dump(2);
  ASSERT_EQ(kept["sessions"].size(), 2U) << kept.dump(2);
  EXPECT_EQ(kept["sessions"][1]["agent"], "florist");
}

}  // namespace
}  // namespace tutti::test
