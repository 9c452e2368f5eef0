// Prompts of mounted servers.
#include "server/transport/transport.hpp"
#include "tests/toolhost/world.hpp"

namespace tutti::toolhost {
namespace {

class MountedPromptsTest : public MountedTest {
 protected:
  void offer(const std::string& name) {
    mcp::Prompt prompt;
    prompt.name = name;
    prompt.arguments.push_back({"who", "", "", mcp::Presence::Required});
    ASSERT_TRUE(other
                    .addPrompt(
                        prompt,
                        [](std::shared_ptr<mcp::PromptCall> call) {
                          mcp::PromptOutput output;
                          const std::string who = call->arguments().at("who").get<std::string>();
                          output.messages.push_back(
                              {mcp::Role::Assistant, mcp::Content::ofText("hi " + who)});
                          call->finish(std::move(output));
                        },
                        [](std::shared_ptr<mcp::CompletionCall> call) {
                          call->finish(mcp::CompletionOutput{{call->value() + "da"}});
                        })
                    .ok());
  }
  void mountOther(Filter prompts = {}, std::size_t prompts_max = 256) {
    transport::HttpOptions http_options;
    http_options.port = 0;
    http = std::make_unique<transport::HttpServer>(io, other, http_options);
    ASSERT_TRUE(http->start().ok());
    MountSpec made;
    made.name = "web";
    made.kind = MountSpec::Kind::Http;
    made.prompts = std::move(prompts);
    made.limits.prompts_max = prompts_max;
    made.url = "http://127.0.0.1:" + std::to_string(http->port()) + "/mcp";
    mount({made});
  }
  void TearDown() override {
    host.reset();
    MountedTest::TearDown();
  }
  mcp::Server other{fixture::options()};
  std::unique_ptr<transport::HttpServer> http;
};

TEST_F(MountedPromptsTest, AreGotAndCompletedUnderThePrefix) {
  offer("greet");
  mountOther();
  ASSERT_TRUE(until([&] { return sink.prompt_changes == 1; }));
  client::Ended got;
  caller->getPrompt("web__greet", {{"who", "Ada"}}, {}, got.done());
  ASSERT_TRUE(until([&] { return !got.all.empty(); }));
  const Json message = got.value().at("messages").at(0);
  EXPECT_EQ(message.at("role"), "assistant");
  EXPECT_EQ(message.at("content").at("text"), "hi Ada");
  client::Ended completed;
  caller->complete({{"type", "ref/prompt"}, {"name", "web__greet"}},
                   {{"name", "who"}, {"value", "A"}}, nullptr, completed.done());
  ASSERT_TRUE(until([&] { return !completed.all.empty(); }));
  EXPECT_EQ(completed.value().at("completion").at("values"), Json::array({"Ada"}));
}

TEST_F(MountedPromptsTest, AreFilteredAndRenamed) {
  offer("greet");
  offer("draft");
  Filter filter;
  filter.deny = {"draft"};
  filter.rename = {{"greet", "hello"}};
  mountOther(filter);
  ASSERT_TRUE(until([&] { return sink.prompt_changes == 1; }));
  EXPECT_EQ(health().prompts, 1U);
  client::Ended got;
  caller->getPrompt("web__hello", {{"who", "Ada"}}, {}, got.done());
  ASSERT_TRUE(until([&] { return !got.all.empty(); }));
  EXPECT_EQ(got.value().at("messages").at(0).at("content").at("text"), "hi Ada");
}

TEST_F(MountedPromptsTest, ComeAndGoAndAreBounded) {
  for (const char* name : {"a", "b", "c"}) offer(name);
  mountOther({}, 2);
  ASSERT_TRUE(until([&] { return health().prompts == 2; }));
  ASSERT_FALSE(health().left_out.empty());
  EXPECT_NE(health().left_out.back().find("prompts_max is 2"), std::string::npos);
  ASSERT_TRUE(other.removePrompt("a") && other.removePrompt("b"));
  other.promptsChanged();
  EXPECT_TRUE(until([&] { return health().prompts == 1; }));
}

}  // namespace
}  // namespace tutti::toolhost
