// Rounds of one request: 2026-07-28's input_required with a signed state.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/state_codec.hpp"
#include "tests/mcp/client.hpp"

namespace tutti::mcp {
namespace {

using fixture::accepted;
using fixture::modernCall;

class InputTest : public testing::Test {
 protected:
  explicit InputTest(ServerOptions options = fixture::options())
      : server_(withClock(std::move(options))) {
    log::configure(log::Level::Off);
    fixture::addMoreTools(server_);
    client_ = std::make_unique<fixture::StreamClient>(server_);
  }
  ServerOptions withClock(ServerOptions options) {
    options.clock = clock_.get();
    options.timers = clock_;
    return options;
  }
  Json call(const std::string& tool, Json more = Json::object()) {
    return client_->ask(modernCall(++id_, tool, std::move(more)));
  }
  /// The state that the first round of `ask` gives.
  std::string firstState() { return call("ask")["result"]["requestState"].get<std::string>(); }
  int codeOf(const std::string& state, const std::string& tool = "ask",
             Json more = Json::object()) {
    more["requestState"] = state;
    more["inputResponses"] = {{"name", accepted("name", "Ada")}};
    const Json frame = call(tool, std::move(more));
    return frame.contains("error") ? frame["error"]["code"].get<int>() : 0;
  }

  int id_ = 0;
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  Server server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(InputTest, EachRoundBringsAnAnswerAndAnotherState) {
  const Json first = call("ask")["result"];
  EXPECT_EQ(first["resultType"], "input_required");
  EXPECT_EQ(first["inputRequests"]["name"]["method"], "elicitation/create");
  EXPECT_EQ(first["inputRequests"]["name"]["params"]["message"], "name?");
  EXPECT_TRUE(first["_meta"].contains("io.modelcontextprotocol/serverInfo"));

  const Json second =
      call("ask", {{"requestState", first["requestState"]},
                   {"inputResponses", {{"name", accepted("name", "Ada")}}}})["result"];
  EXPECT_TRUE(second["inputRequests"].contains("color"));
  EXPECT_NE(second["requestState"], first["requestState"]);

  // Only the newest answer comes back; the older one has travelled in the state.
  const Json third =
      call("ask", {{"requestState", second["requestState"]},
                   {"inputResponses", {{"color", accepted("color", "red")}}}})["result"];
  EXPECT_EQ(third["content"][0]["text"], "Ada likes red, round 3");
  EXPECT_EQ(third["resultType"], "complete");
}

TEST_F(InputTest, UnknownKeysAndAnswersOfAWrongTypeAreAskedAgain) {
  for (const Json& answer : {Json(7), Json(nullptr), Json("Ada"), Json::array()}) {
    const Json result =
        call("ask", {{"inputResponses", {{"name", answer}, {"other", 1}}}})["result"];
    EXPECT_EQ(result["resultType"], "input_required") << answer;
  }
  EXPECT_EQ(call("ask", {{"inputResponses", 7}})["error"]["code"], -32602);
  EXPECT_EQ(call("ask", {{"inputResponses", nullptr}})["result"]["resultType"], "input_required");
}

TEST_F(InputTest, AStateOpensForItsOwnRequestOnly) {
  const std::string state = firstState();
  EXPECT_EQ(codeOf(state), 0);
  EXPECT_EQ(codeOf(state + "-TAMPERED"), -32602);
  EXPECT_EQ(codeOf(""), -32602);
  EXPECT_EQ(codeOf("v1.."), -32602);
  EXPECT_EQ(codeOf(state, "insist"), -32602);
  EXPECT_EQ(codeOf(state, "ask", {{"arguments", {{"greeting", "Hi, "}}}}), -32602);
  EXPECT_EQ(codeOf(state, "ask", {{"arguments", Json::object()}}), 0);
  fixture::StreamClient other(server_, "ses_other");
  EXPECT_EQ(other.ask(modernCall(1, "ask", {{"requestState", state}}))["error"]["code"], -32602);
  EXPECT_EQ(call("ask", {{"requestState", 7}})["error"]["code"], -32602);
}

TEST_F(InputTest, AnyBitFlippedIsNoticed) {
  const std::string state = firstState();
  for (std::size_t at = 0; at < state.size(); ++at) {
    std::string flipped = state;
    flipped[at] = flipped[at] == 'A' ? 'B' : 'A';
    if (flipped != state) {
      EXPECT_EQ(codeOf(flipped), -32602) << "at " << at;
    }
  }
}

TEST_F(InputTest, AStateExpires) {
  const std::string state = firstState();
  clock_->pass(std::chrono::seconds(599));
  EXPECT_EQ(codeOf(state), 0);
  clock_->pass(std::chrono::seconds(1));
  EXPECT_EQ(codeOf(state), -32602);
}

TEST_F(InputTest, TheArgumentsOfTheCallAreThereInEveryRound) {
  Json more{{"arguments", {{"greeting", "Hi, "}}}};
  more["requestState"] = call("ask", more)["result"]["requestState"];
  more["inputResponses"] = {{"name", accepted("name", "Ada")}, {"color", accepted("color", "red")}};
  EXPECT_EQ(call("ask", more)["result"]["content"][0]["text"], "Hi, Ada likes red, round 2");
}

TEST_F(InputTest, WhatTheClientHasNotDeclaredIsNamed) {
  const Json frame =
      client_->ask(modernCall(1, "ask_all", Json::object(), {{"elicitation", Json::object()}}));
  EXPECT_EQ(frame["error"]["code"], -32021);
  EXPECT_EQ(frame["error"]["data"]["requiredCapabilities"],
            (Json{{"sampling", Json::object()}, {"roots", Json::object()}}));
}

TEST_F(InputTest, SeveralThingsAreAskedInOneRound) {
  const Json asked = call("ask_all")["result"];
  EXPECT_EQ(asked["inputRequests"]["model"]["method"], "sampling/createMessage");
  EXPECT_EQ(asked["inputRequests"]["roots"],
            (Json{{"method", "roots/list"}, {"params", Json::object()}}));
  EXPECT_FALSE(asked.contains("requestState"));
  const Json done = call("ask_all", {{"inputResponses",
                                      {{"name", {{"action", "decline"}}},
                                       {"model", {{"model", "m"}}},
                                       {"roots", {{"roots", Json::array()}}}}}})["result"];
  EXPECT_EQ(done["structuredContent"]["name"]["action"], "decline");
}

TEST_F(InputTest, AStateAloneIsARoundToo) {
  Json frame = call("come_again");
  EXPECT_FALSE(frame["result"].contains("inputRequests"));
  frame = call("come_again", {{"requestState", frame["result"]["requestState"]}});
  frame = call("come_again", {{"requestState", frame["result"]["requestState"]}});
  EXPECT_EQ(frame["result"]["content"][0]["text"], "there");
}

TEST_F(InputTest, PromptsAndResourcesAskAsToolsDo) {
  fixture::addAskingOffers(server_);
  const auto ask = [this](const std::string& method, Json params) {
    const Json asked = client_->ask(fixture::modernRequest(++id_, method, params))["result"];
    EXPECT_EQ(asked["resultType"], "input_required");
    EXPECT_FALSE(asked.contains("ttlMs")) << "what asks is not to be kept";
    params["inputResponses"] = {{"name", accepted("name", "Ada")}};
    return client_->ask(fixture::modernRequest(++id_, method, params))["result"];
  };
  const Json prompt = ask("prompts/get", {{"name", "greet"}, {"arguments", {{"greeting", "Oh"}}}});
  EXPECT_EQ(prompt["messages"][0]["content"]["text"], "Oh, Ada");
  EXPECT_EQ(ask("resources/read", {{"uri", "test://asked"}})["contents"][0]["text"], "Ada");
}

TEST_F(InputTest, PagesAreForClientsThatSayTheyOpenThem) {
  const Json asked = call("visit")["result"]["inputRequests"]["page"]["params"];
  EXPECT_EQ(asked["url"], "https://example.org/");
  EXPECT_FALSE(asked.contains("elicitationId")) << "this revision has none";
  const Json form_only{{"elicitation", Json::object()}};
  const Json refused = client_->ask(modernCall(++id_, "visit", Json::object(), form_only));
  EXPECT_EQ(refused["error"]["data"]["requiredCapabilities"]["elicitation"],
            (Json{{"url", Json::object()}}));
}

TEST_F(InputTest, PagesThatMustBeVisitedFirstAreQuestions) {
  const Json needed = client_->ask(fixture::modernCall(1, "sign_in"))["result"];
  EXPECT_EQ(needed["resultType"], "input_required") << needed.dump();
  EXPECT_EQ(needed["inputRequests"].size(), 2U);
  const Json page = needed["inputRequests"]["page-1"]["params"];
  EXPECT_EQ(page["url"], "https://example.org/sign-in");
  EXPECT_FALSE(page.contains("elicitationId")) << "2026-07-28 has no such ids";
  const Json done = client_->ask(fixture::modernCall(
      2, "sign_in", {{"inputResponses", {{"page-1", {{"action", "accept"}}}}}}));
  EXPECT_EQ(done["result"]["content"][0]["text"], "signed in") << done.dump();
}

TEST_F(InputTest, MethodsThatTakeNoInputIgnoreIt) {
  Json list = modernCall(1, "", {{"requestState", "nonsense"}});
  list["method"] = "tools/list";
  EXPECT_TRUE(client_->ask(list)["result"].contains("tools"));
}

struct SmallState : InputTest {
  static ServerOptions small() {
    ServerOptions options = fixture::options();
    options.request_state_bytes_max = 100;
    return options;
  }
  SmallState() : InputTest(small()) {}
};

TEST_F(SmallState, AnswersThatGrowTooLargeAreAnErrorThatNamesTheLimit) {
  const Json result = call(
      "ask", {{"inputResponses", {{"name", accepted("name", std::string(100, 'x'))}}}})["result"];
  EXPECT_EQ(result["isError"], true);
  EXPECT_NE(result["content"][0]["text"].get<std::string>().find("request_state_bytes_max"),
            std::string::npos);
}

TEST(StateKeys, AnOlderKeyStillOpensAndTheFirstOneSigns) {
  const auto clock = std::make_shared<fixture::HandClock>();
  const StateBinding binding{"tools/call", "digest", ""};
  const std::string old_key(32, 'o');
  const std::string new_key(32, 'n');
  const std::string sealed = StateCodec({old_key}, 600, *clock).seal("payload", binding);
  EXPECT_EQ(StateCodec({new_key, old_key}, 600, *clock).open(sealed, binding), "payload");
  EXPECT_EQ(StateCodec({new_key}, 600, *clock).open(sealed, binding), std::nullopt);
  EXPECT_EQ(StateCodec({}, 600, *clock).open(sealed, binding), std::nullopt);
}

}  // namespace
}  // namespace tutti::mcp
