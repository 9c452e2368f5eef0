// Runs of programs, through the real binary: what they give, how they fail, who sees them.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

class RunsTest : public ::testing::Test {
 protected:
  Json start(TuttiProcess& tutti, const std::string& blueprint, Json more = Json::object()) {
    Json arguments = {{"blueprint", blueprint}, {"parameters", Json::object()}};
    arguments.update(more);
    return tutti.call("start_agent", arguments);
  }
  Json result(TuttiProcess& tutti, const Json& handle) {
    return tutti.call("get_result",
                      {{"session_id", handle.value("session_id", "")}, {"wait_s", 50}});
  }
  /// The number of an event: the later, the higher. -1 when there is none.
  static std::int64_t eventOf(TuttiProcess& tutti, const Json& handle, const std::string& type) {
    const Json page = tutti.call("get_events", {{"session_id", handle["session_id"]}});
    for (const Json& event : page["events"])
      if (event["event_type"] == type) return event["id"].get<std::int64_t>();
    ADD_FAILURE() << "no " << type << ": " << page.dump();
    return -1;
  }
  Json runToEnd(TuttiProcess& tutti, const std::string& blueprint, Json more = Json::object()) {
    const Json handle = start(tutti, blueprint, std::move(more));
    EXPECT_TRUE(handle.contains("session_id")) << handle.dump();
    return result(tutti, handle);
  }

  TempFolder folder_;
};

TEST_F(RunsTest, JsonOnStdoutBecomesResultData) {
  writeProgram(folder_, "greet", R"(echo "{\"hello\":\"$2\"}")");
  TuttiProcess tutti(folder_);
  const Json got = runToEnd(tutti, "greet", {{"parameters", {{"name", "Ada"}}}});
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got["session_status"], "finished");
  EXPECT_EQ(got["result_data"], Json({{"hello", "Ada"}}));
}

TEST_F(RunsTest, ParameterThatNoArgumentCanHoldIsRefusedBeforeTheStart) {
  writeProgram(folder_, "short", "printf %s \"$2\" | wc -c");
  const auto of = [](std::string text) {
    return Json{{"parameters", {{"prompt", std::move(text)}}}};
  };
  TuttiProcess tutti(folder_);
  const Json long_one = start(tutti, "short", of(std::string(1'000'000, 'x')));
  EXPECT_NE(long_one.dump().find("'prompt' has 1000000 bytes"), std::string::npos)
      << long_one.dump(1);
  const Json cut = start(tutti, "short", of(std::string("a\0b", 3)));
  EXPECT_NE(cut.dump().find("'prompt' has a NUL character"), std::string::npos) << cut.dump(1);
  EXPECT_TRUE(tutti.call("list_sessions")["sessions"].empty());
  // The longest: 32 pages, of which one byte ends it.
  const auto longest = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) * 32 - 1;
  const Json got = runToEnd(tutti, "short", of(std::string(longest, 'x')));
  EXPECT_EQ(got["result_data"], Json(longest)) << got.dump(1);
}

TEST_F(RunsTest, ChildrenAndDepthAreBoundedByOptionsThatTheRefusalNames) {
  writeProgram(folder_, "slow", "sleep 600");
  TuttiProcess tutti(folder_, {.arguments = {"--children-max", "1", "--depth-max", "1", "stdio"}});
  const Json root = start(tutti, "slow");
  const Json child = start(tutti, "slow", {{"parent_session_id", root["session_id"]}});
  ASSERT_TRUE(child.contains("session_id")) << child.dump();
  const Json second = start(tutti, "slow", {{"parent_session_id", root["session_id"]}});
  EXPECT_NE(second.dump().find("raise --children-max"), std::string::npos) << second.dump(1);
  const Json deeper = start(tutti, "slow", {{"parent_session_id", child["session_id"]}});
  EXPECT_NE(deeper.dump().find("raise --depth-max"), std::string::npos) << deeper.dump(1);
  for (const Json& one : {root, child})
    tutti.call("stop", {{"session_id", one["session_id"]}, {"wait_s", 50}});
}

TEST_F(RunsTest, AResultOfNothingIsRefusedWithWhatIsMissing) {
  TuttiProcess tutti(folder_);
  const Json got = tutti.call("get_result");
  EXPECT_EQ(got["error"]["name"], "invalid_arguments") << got.dump();
  EXPECT_EQ(got["error"]["message"], "neither session_id nor run_id is given");
}

TEST_F(RunsTest, OtherOutputBecomesReturnCodeStdoutAndStderr) {
  writeProgram(folder_, "words", "echo plain; echo aside >&2");
  TuttiProcess tutti(folder_);
  const Json got = runToEnd(tutti, "words");
  EXPECT_EQ(got["result_data"]["return_code"], 0) << got.dump();
  EXPECT_EQ(got["result_data"]["stdout"], "plain\n");
  EXPECT_EQ(got["result_data"]["stderr"], "aside\n");
}

TEST_F(RunsTest, GarbageAndInvalidUtf8AreKeptAsText) {
  writeProgram(folder_, "noise", R"(printf '\377\376\000{[%%\n')");
  TuttiProcess tutti(folder_);
  const Json got = runToEnd(tutti, "noise");
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_TRUE(got["result_data"]["stdout"].is_string());
}

TEST_F(RunsTest, NonZeroExitFailsAndSaysWhatStderrSaid) {
  writeProgram(folder_, "broken", "echo 'no such table' >&2; exit 3");
  TuttiProcess tutti(folder_);
  const Json got = runToEnd(tutti, "broken");
  EXPECT_EQ(got["status"], "failed");
  EXPECT_EQ(got["error"]["name"], "agent_exited") << got.dump();
  EXPECT_NE(got["error"]["message"].get<std::string>().find("no such table"), std::string::npos);
}

TEST_F(RunsTest, OutputThatMissesItsSchemaFailsWithThePlace) {
  writeProgram(folder_, "typed", R"(echo '{"count":"many"}')",
               {{"output_schema",
                 {{"type", "object"}, {"properties", {{"count", {{"type", "integer"}}}}}}}});
  TuttiProcess tutti(folder_);
  const Json got = runToEnd(tutti, "typed");
  EXPECT_EQ(got["status"], "failed");
  EXPECT_EQ(got["error"]["name"], "output_schema_violation") << got.dump();
  EXPECT_NE(got["error"]["message"].get<std::string>().find("/count"), std::string::npos);
}

TEST_F(RunsTest, ARunThatTakesTooLongIsEndedByItsLimit) {
  writeProgram(folder_, "slow", "sleep 600", {{"timeout_s", 1}});
  TuttiProcess tutti(folder_);
  const Json handle = start(tutti, "slow");
  const Json got = result(tutti, handle);
  EXPECT_EQ(got["error"]["name"], "run_timeout") << got.dump();
  EXPECT_TRUE(
      processesMarked("TUTTI_SESSION_ID=" + handle["session_id"].get<std::string>()).empty());
}

TEST_F(RunsTest, ALineOfFiftyMegabytesCostsOnlyItsOwnRun) {
  writeProgram(folder_, "flood", "head -c 50000000 /dev/zero | tr '\\0' x");
  writeProgram(folder_, "small", "echo 1");
  TuttiProcess tutti(folder_);
  const Json big = start(tutti, "flood");
  EXPECT_EQ(runToEnd(tutti, "small")["result_data"], 1);
  const Json got = result(tutti, big);
  EXPECT_EQ(got["error"]["name"], "output_too_large") << got.dump().substr(0, 500);
}

TEST_F(RunsTest, LargeDataComesInPieces) {
  writeProgram(folder_, "wide", "printf '\"'; head -c 2000000 /dev/zero | tr '\\0' x; printf '\"'");
  TuttiProcess tutti(folder_);
  const Json got = runToEnd(tutti, "wide");
  EXPECT_TRUE(got["result_data_omitted"].get<bool>()) << got.dump().substr(0, 300);
  EXPECT_EQ(got["result_chars"], 2000002);
  EXPECT_EQ(got["next_offset"], 50'000);
  const Json next =
      tutti.call("get_result", {{"session_id", got["session_id"]}, {"offset", 2'000'000}});
  EXPECT_EQ(next["result_text"], "x\"");
}

TEST_F(RunsTest, StopEndsAProgramThatIgnoresSigtermAndItsGrandchild) {
  writeProgram(
      folder_, "stubborn",
      "trap '' TERM\n(trap '' TERM; sleep 600) &\necho ready >&2\nwhile :; do sleep 1; done");
  TuttiProcess tutti(folder_);
  const Json handle = start(tutti, "stubborn");
  const std::string id = handle["session_id"].get<std::string>();
  Json events;
  std::string cursor = "0";
  for (bool ready = false; !ready;) {
    events = tutti.call("get_events", {{"session_id", id}, {"cursor", cursor}, {"wait_s", 30}});
    ASSERT_FALSE(events["events"].empty());
    cursor = events["next_cursor"].get<std::string>();
    for (const Json& event : events["events"]) ready = ready || event["event_type"] == "progress";
  }
  const Json stopped = tutti.call("stop", {{"session_id", id}, {"wait_s", 30}});
  EXPECT_TRUE(stopped["stopped"].get<bool>()) << stopped.dump();
  EXPECT_EQ(stopped["stop_report"]["survivors"], Json::array()) << stopped.dump();
  EXPECT_TRUE(processesMarked("TUTTI_SESSION_ID=" + id).empty());
  EXPECT_EQ(result(tutti, handle)["status"], "stopped");
  const Json again = tutti.call("stop", {{"session_id", id}});
  EXPECT_TRUE(again["already_over"].get<bool>());
}

TEST_F(RunsTest, ProceduralAgentsCannotBeResumed) {
  writeProgram(folder_, "once", "echo 1");
  TuttiProcess tutti(folder_);
  const Json done = runToEnd(tutti, "once");
  const Json got = tutti.call("resume", {{"session_id", done["session_id"]}, {"prompt", "more"}});
  EXPECT_EQ(got["error"]["name"], "procedural_agent_no_resume") << got.dump();
}

TEST_F(RunsTest, OneIdempotencyKeyStartsOneAgent) {
  writeProgram(folder_, "once", "echo 1");
  TuttiProcess tutti(folder_);
  const Json first = start(tutti, "once", {{"idempotency_key", "k1"}});
  const Json again = start(tutti, "once", {{"idempotency_key", "k1"}});
  EXPECT_EQ(first["run_id"], again["run_id"]);
  const Json other = start(tutti, "once", {{"idempotency_key", "k1"}, {"name", "x"}});
  EXPECT_EQ(other["error"]["name"], "idempotency_key_reused") << other.dump();
  EXPECT_EQ(tutti.call("list_sessions")["sessions"].size(), 1U);
}

TEST_F(RunsTest, BadInputIsNamedAndStartsNothing) {
  writeProgram(folder_, "strict", "echo 1",
               {{"parameters_schema",
                 {{"type", "object"},
                  {"required", {"n"}},
                  {"additionalProperties", false},
                  {"properties", {{"n", {{"type", "integer"}}}}}}}});
  folder_.write("a-file", "x");
  TuttiProcess tutti(folder_);
  EXPECT_EQ(start(tutti, "strikt")["error"]["name"], "unknown_blueprint");
  EXPECT_NE(start(tutti, "strikt")["error"]["hint"].get<std::string>().find("strict"),
            std::string::npos);
  EXPECT_EQ(start(tutti, "strict")["error"]["name"], "parameter_validation_failed");
  const Json typed = start(tutti, "strict", {{"parameters", {{"n", "one"}}}});
  EXPECT_EQ(typed["error"]["details"][0]["path"], "/n") << typed.dump();
  const Json params = {{"parameters", {{"n", 1}}}};
  Json gone = params;
  gone["project_dir"] = "/no/such/folder";
  EXPECT_EQ(start(tutti, "strict", gone)["error"]["name"], "project_dir_not_found");
  gone["project_dir"] = (folder_.path() / "a-file").string();
  EXPECT_EQ(start(tutti, "strict", gone)["error"]["name"], "project_dir_not_a_folder");
  EXPECT_EQ(tutti.call("start_agent", {{"prompt", "hello"}})["error"]["name"],
            "agent_not_installed");
  EXPECT_EQ(tutti.call("get_result", {{"session_id", "ses_0"}})["error"]["name"],
            "session_not_found");
  EXPECT_TRUE(tutti.call("list_sessions")["sessions"].empty());
}

TEST_F(RunsTest, AMissingProgramIsNamed) {
  writeProgram(folder_, "absent", "", {{"command", Json::array({"no-such-program-here"})}});
  TuttiProcess tutti(folder_);
  const Json got = start(tutti, "absent");
  EXPECT_EQ(got["error"]["name"], "agent_not_installed") << got.dump();
  EXPECT_NE(got["error"]["message"].get<std::string>().find("no-such-program-here"),
            std::string::npos);
}

TEST_F(RunsTest, ASessionThatRunsCannotBeDeletedAndOneThatIsOverCan) {
  writeProgram(folder_, "slow", "sleep 600");
  TuttiProcess tutti(folder_);
  const Json handle = start(tutti, "slow", {{"name", "napper"}});
  EXPECT_EQ(tutti.call("delete_session", {{"session_id", "napper"}})["error"]["name"],
            "session_active");
  EXPECT_TRUE(tutti.call("stop", {{"session_id", "napper"}})["stopped"].get<bool>());
  EXPECT_EQ(tutti.call("delete_session", {{"session_id", "napper"}})["runs_deleted"], 1);
  EXPECT_EQ(tutti.call("get_status", {{"session_id", handle["session_id"]}})["error"]["name"],
            "session_not_found");
}

TEST_F(RunsTest, WaitAnyTellsTheFirstThatEnds) {
  writeProgram(folder_, "slow", "sleep 600");
  writeProgram(folder_, "quick", "echo 1");
  TuttiProcess tutti(folder_);
  const Json slow = start(tutti, "slow");
  const Json quick = start(tutti, "quick");
  const Json got = tutti.call(
      "wait_any", {{"session_ids", {slow["session_id"], quick["session_id"]}}, {"wait_s", 50}});
  ASSERT_EQ(got["finished"].size(), 1U) << got.dump();
  EXPECT_EQ(got["finished"][0]["session_id"], quick["session_id"]);
  EXPECT_EQ(got["unfinished"][0]["session_id"], slow["session_id"]);
  tutti.call("stop", {{"session_id", slow["session_id"]}});
}

TEST_F(RunsTest, AStopDoesNotWaitBehindLaunchesAndTheseAllComeToTheirTurn) {
  constexpr int kStarts = 200;
  writeProgram(folder_, "slow", "exec sleep 600");
  writeProgram(folder_, "quick", "echo 1");
  TuttiProcess tutti(folder_);
  const Json slow = start(tutti, "slow");
  const auto send = [&](int id, const std::string& tool, const Json& arguments) {
    tutti.send({{"jsonrpc", "2.0"},
                {"id", id},
                {"method", "tools/call"},
                {"params", {{"name", tool}, {"arguments", arguments}}}});
  };
  for (int i = 0; i < kStarts; ++i)
    send(i, "start_agent", {{"blueprint", "quick"}, {"parameters", Json::object()}});
  // At once, so that it comes while they are launched however slow this test is.
  send(kStarts, "stop", {{"session_id", slow["session_id"]}, {"wait_s", 50}});
  std::vector<Json> answers(kStarts + 1);
  for (int i = 0; i <= kStarts; ++i) {
    const Json message = tutti.receive();
    ASSERT_TRUE(message.contains("result")) << message;
    answers.at(message["id"].get<std::size_t>()) =
        message["result"].value("structuredContent", Json::object());
  }
  EXPECT_EQ(answers.back()["session_status"], "stopped") << answers.back().dump();
  answers.pop_back();
  for (const Json& handle : answers)
    EXPECT_EQ(result(tutti, handle)["status"], "completed") << handle.dump();
  EXPECT_LT(eventOf(tutti, slow, "run_stopped"), eventOf(tutti, answers.back(), "run_claimed"));
}

TEST_F(RunsTest, WhoStartsFromWithinAnAgentBecomesItsParent) {
  writeProgram(folder_, "quick", "echo 1");
  TuttiProcess tutti(folder_);
  const Json parent = runToEnd(tutti, "quick");
  TuttiProcess inner(
      folder_, {.environment = {"TUTTI_SESSION_ID=" + parent["session_id"].get<std::string>()}});
  const Json child = runToEnd(inner, "quick");
  EXPECT_EQ(child["parent_session_id"], parent["session_id"]) << child.dump();
  const Json status = tutti.call("get_status", {{"session_id", parent["session_id"]}});
  EXPECT_EQ(status["children"][0]["session_id"], child["session_id"]);
}

TEST_F(RunsTest, OneBadBlueprintIsReportedAndHarmsNoOther) {
  writeProgram(folder_, "good", "echo 1");
  folder_.write("blueprints/agents/bad/agent.json", "{\"name\":");
  folder_.write(
      ".claude/agents/helper.md",
      "---\nname: helper\ndescription: Helps\ntools: Read, Grep\nmodel: haiku\n---\nHelp.\n");
  TuttiProcess tutti(folder_);
  const Json list = tutti.call("list_blueprints");
  std::vector<std::string> names;
  for (const Json& entry : list["blueprints"]) names.push_back(entry["name"].get<std::string>());
  EXPECT_NE(std::find(names.begin(), names.end(), "good"), names.end()) << list.dump();
  EXPECT_NE(std::find(names.begin(), names.end(), "helper"), names.end()) << list.dump();
  ASSERT_EQ(list["problems"].size(), 1U) << list.dump();
  EXPECT_NE(list["problems"][0]["source"].get<std::string>().find("bad"), std::string::npos);
  writeProgram(folder_, "later", "echo 2");
  EXPECT_EQ(runToEnd(tutti, "later")["result_data"], 2);
}

}  // namespace
}  // namespace tutti::test
