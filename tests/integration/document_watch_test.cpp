// Who hears that a document has changed: two agents of different trees, in both eras.
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

constexpr const char* kList = "tutti://documents";

class DocumentWatchTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { writeProgram(folder_, "greet", R"(echo '{"hello":"world"}')"); }

  /// A session of its own tree.
  static std::string session(TuttiProcess& user, const std::string& name) {
    const Json started = user.call(
        "start_agent",
        {{"blueprint", "greet"}, {"parameters", Json::object()}, {"mode", "sync"}, {"name", name}});
    EXPECT_TRUE(started.contains("session_id")) << started;
    return started.value("session_id", "");
  }
  Options agent(const std::string& session_id) const {
    return {.arguments = {"stdio", "--toolsets", "all"},
            .environment = {"TUTTI_SESSION_ID=" + session_id}};
  }
  static std::string push(TuttiProcess& tutti, const std::string& name, const std::string& scope) {
    const Json made =
        tutti.call("doc_push", {{"name", name}, {"content", "one"}, {"scope", scope}});
    EXPECT_TRUE(made.contains("id")) << made;
    return made.value("id", "");
  }
  static void write(TuttiProcess& tutti, const std::string& id) {
    const Json made = tutti.call("doc_write", {{"document_id", id}, {"content", "two of " + id}});
    EXPECT_EQ(made["version"], 2) << made;
  }
  /// Asks to hear of `uris`, as the era does.
  /// Of `hidden` it hears, in the words for what has never been, that there is no such resource.
  static void watch(TuttiProcess& watcher, const std::vector<std::string>& uris,
                    const std::set<std::string>& hidden) {
    if (std::string(GetParam()) == "modern") {
      const Json meta = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                         {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
      watcher.send(
          {{"jsonrpc", "2.0"},
           {"id", "w"},
           {"method", "subscriptions/listen"},
           {"params", {{"_meta", meta}, {"notifications", {{"resourceSubscriptions", uris}}}}}});
      const Json answer = watcher.receive();
      EXPECT_EQ(answer["method"], "notifications/subscriptions/acknowledged");
      std::set<std::string> heard(uris.begin(), uris.end());
      for (const std::string& uri : hidden) heard.erase(uri);
      EXPECT_EQ(answer["params"]["notifications"]["resourceSubscriptions"], Json(heard)) << answer;
      return;
    }
    watcher.send({{"jsonrpc", "2.0"},
                  {"id", "i"},
                  {"method", "initialize"},
                  {"params",
                   {{"protocolVersion", "2025-06-18"},
                    {"capabilities", Json::object()},
                    {"clientInfo", {{"name", "test"}, {"version", "1"}}}}}});
    EXPECT_EQ(watcher.receive()["id"], "i");
    watcher.send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
    for (const std::string& uri : uris) {
      watcher.send({{"jsonrpc", "2.0"},
                    {"id", uri},
                    {"method", "resources/subscribe"},
                    {"params", {{"uri", uri}}}});
      // Who begins to watch may be told of what was pushed just before, meanwhile.
      Json answer = watcher.receive();
      while (answer.contains("method")) answer = watcher.receive();
      EXPECT_EQ(answer["id"], uri) << answer;
      EXPECT_EQ(answer.contains("result"), !hidden.contains(uri)) << answer;
      if (!hidden.contains(uri)) continue;
      EXPECT_EQ(answer["error"]["code"], -32002) << answer;
      EXPECT_EQ(answer["error"]["message"], "Resource not found: " + uri);
      EXPECT_EQ(answer["error"]["data"]["name"], "resource_not_found");
    }
  }
  /// The resources it is told of, up to that of `last` and the list behind it.
  static std::set<std::string> toldUntil(TuttiProcess& watcher, const std::string& last) {
    std::set<std::string> told;
    for (std::string uri; !(told.contains(last) && uri == kList);) {
      const Json message = watcher.receive();
      EXPECT_EQ(message["method"], "notifications/resources/updated") << message;
      if (message["method"] != "notifications/resources/updated") break;
      uri = message["params"]["uri"].get<std::string>();
      told.insert(uri);
    }
    return told;
  }

  TempFolder folder_;
};

TEST_P(DocumentWatchTest, OnlyThoseWhoMaySeeADocumentHearOfIt) {
  TuttiProcess user(folder_);
  const std::string one = session(user, "one"), two = session(user, "two");
  ASSERT_NE(one, two);
  TuttiProcess writer(folder_, agent(one));
  const std::string hidden = push(writer, "hidden", "tree");
  const std::string shared = push(writer, "shared", "global");
  const std::string fence = push(writer, "fence", "global");
  const std::string hidden_uri = "tutti://doc/" + hidden, shared_uri = "tutti://doc/" + shared,
                    fence_uri = "tutti://doc/" + fence;
  TuttiProcess same(folder_, agent(one)), other(folder_, agent(two)), person(folder_);
  const std::string never = "tutti://doc/doc_0123456789abcdef01234567";
  for (TuttiProcess* watcher : {&same, &other, &person})
    watch(*watcher, {hidden_uri, shared_uri, fence_uri, never, kList},
          watcher == &other ? std::set{hidden_uri, never} : std::set{never});

  write(writer, hidden);
  write(writer, shared);
  for (TuttiProcess* watcher : {&same, &other, &person}) {
    const auto told = toldUntil(*watcher, shared_uri);
    EXPECT_EQ(told.contains(hidden_uri), watcher != &other);
  }
  const Json gone = writer.call("doc_delete", {{"document_id", hidden}});
  EXPECT_FALSE(gone.contains("error")) << gone;
  write(writer, fence);
  for (TuttiProcess* watcher : {&same, &other, &person}) {
    const auto told = toldUntil(*watcher, fence_uri);
    EXPECT_EQ(told.contains(hidden_uri), watcher != &other) << "that it has been deleted";
  }
}

INSTANTIATE_TEST_SUITE_P(Eras, DocumentWatchTest, ::testing::Values("legacy", "modern"),
                         [](const auto& given) { return std::string(given.param); });

}  // namespace
}  // namespace tutti::test
