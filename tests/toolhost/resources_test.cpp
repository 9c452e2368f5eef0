// Resources of mounted servers.
#include <algorithm>

#include "server/transport/transport.hpp"
#include "tests/toolhost/world.hpp"

namespace tutti::toolhost {
namespace {

/// Of a server that each process has for itself, and of one that is shared.
class MountedResourcesTest : public MountedTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    MountedTest::SetUp();
    if (GetParam()) options.share_folder = folder / "mounts";
    // A server whose handshake came before the mounts were ready declares resources, as tutti does.
    ASSERT_TRUE(server.addResource({"own://one", "one"}, [](const auto&) {}).ok());
  }
  MountSpec notesSpec(const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"--resources", "3", "--notes",
                                          (folder / "notes").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return spec(name, arguments);
  }
  void mountNotes(MountSpec made, client::Era era = client::Era::Modern) {
    mount({std::move(made)}, era);
    // Of a shared copy each list may come before any other.
    ASSERT_TRUE(until([&] {
      const MountHealth all = health();
      return all.prompts > 0 && all.resources > 0 && all.templates == 1 &&
             sink.resource_changes > 0;
    }));
  }
  std::vector<std::string> uris(client::ListKind kind, const char* key) {
    std::vector<std::string> found;
    bool done = false;
    caller->list(kind, [&](Result<std::vector<client::ListEntry>> list) {
      for (const auto& entry : *list) {
        const auto uri = entry.value.at(key).get<std::string>();
        if (uri.starts_with("tutti://mounted/")) found.push_back(uri);
      }
      done = true;
    });
    EXPECT_TRUE(until([&] { return done; }));
    return found;
  }
  std::vector<std::string> resources() { return uris(client::ListKind::Resources, "uri"); }
  client::Ended beginRead(const std::string& uri) {
    client::Ended ended;
    ticket = caller->readResource(uri, {}, ended.done());
    return ended;
  }
  Json read(const std::string& uri) {
    const client::Ended ended = beginRead(uri);
    if (!until([&] { return !ended.all.empty(); })) return "no answer";
    if (!ended.all[0].ok()) return ended.error().text();
    return ended.value().at("contents").at(0);
  }
  /// How many of those of a server that have no URI: the core of a shared copy takes none of them.
  std::size_t odd() const { return GetParam() ? 0 : 1; }
  bool leftOut(const std::string& words) const {
    const auto all = health().left_out;
    return std::any_of(all.begin(), all.end(), [&](const std::string& each) {
      return each.find(words) != std::string::npos;
    });
  }
  bool noted(const std::string& line) {
    return until([&] { return notes("notes").find(line) != std::string::npos; });
  }
};

INSTANTIATE_TEST_SUITE_P(OwnAndShared, MountedResourcesTest, ::testing::Bool());

TEST_P(MountedResourcesTest, AreListedAndReadUnderTheirServersPrefix) {
  mount({notesSpec("a"), notesSpec("b b")});
  ASSERT_TRUE(until([&] { return health(0).templates == 1 && health(1).templates == 1; }));
  ASSERT_TRUE(until([&] { return resources().size() == 6 + 2 * odd(); }));
  const auto all = resources();
  EXPECT_EQ(all[0], "tutti://mounted/a/note:///1");
  EXPECT_EQ(all[3 + odd()], "tutti://mounted/b%20b/note:///1");
  const std::string second = all[4 + odd()];
  const Json contents = read(second);
  EXPECT_EQ(contents.at("uri"), second);
  EXPECT_EQ(contents.at("text"), "text of note:///2");
  EXPECT_EQ(health(0).resources, 3U + odd());
  EXPECT_EQ(health(0).calls_ok, 0);
  EXPECT_EQ(health(1).calls_ok, 1);
}

TEST_P(MountedResourcesTest, WhatIsNotThereOrNoResourceIsSaidAsSuch) {
  mountNotes(notesSpec("a"));
  const std::string missing = "tutti://mounted/a/note:///missing";
  EXPECT_EQ(read(missing), "Resource not found: " + missing);
  EXPECT_EQ(read("tutti://mounted/else/note:///1"),
            "Resource not found: tutti://mounted/else/note:///1");
  EXPECT_NE(read("tutti://mounted/a/note:///nonsense").dump().find("no result of a resource"),
            std::string::npos);
  EXPECT_EQ(read("tutti://mounted/a/note:///liar").at("uri"), "tutti://mounted/a/note:///other");
}

TEST_P(MountedResourcesTest, AreReadByTemplatesWhichAreCompletedByTheServer) {
  mountNotes(notesSpec("a"));
  const std::vector<std::string> expected = {"tutti://mounted/a/note:///{number}",
                                             "tutti://mounted/a/{+uri}"};
  EXPECT_TRUE(
      until([&] { return uris(client::ListKind::ResourceTemplates, "uriTemplate") == expected; }));
  EXPECT_EQ(read("tutti://mounted/a/note:///a%20b").at("text"), "text of note:///a%20b");
  client::Ended completed;
  caller->complete({{"type", "ref/resource"}, {"uri", "tutti://mounted/a/note:///{number}"}},
                   {{"name", "number"}, {"value", "1"}}, nullptr, completed.done());
  ASSERT_TRUE(until([&] { return !completed.all.empty(); }));
  const std::string ref = completed.value().at("completion").at("values").at(0).get<std::string>();
  EXPECT_EQ(Json::parse(ref), Json({{"type", "ref/resource"}, {"uri", "note:///{number}"}}));
  EXPECT_TRUE(leftOut("note://{/path*}"));
}

TEST_P(MountedResourcesTest, WhatResultsNameCanBeRead) {
  mountNotes(notesSpec("a"));
  const Json blocks = call("a__links").at("content");
  EXPECT_EQ(blocks[0].at("uri"), "tutti://mounted/a/note:///hidden");
  EXPECT_EQ(blocks[1].at("resource").at("uri"), "tutti://mounted/a/note:///1");
  EXPECT_EQ(read(blocks[0].at("uri").get<std::string>()).at("text"), "text of note:///hidden");
  client::Ended got;
  caller->getPrompt("a__quick", Json::object(), {}, got.done());
  ASSERT_TRUE(until([&] { return !got.all.empty(); }));
  EXPECT_EQ(got.value().at("messages").at(0).at("content").at("uri"),
            "tutti://mounted/a/note:///1");
}

TEST_P(MountedResourcesTest, AServerWithoutResourcesKeepsTheUrisOfItsResults) {
  mount({spec("fake")});
  EXPECT_EQ(call("fake__links").at("content")[0].at("uri"), "note:///hidden");
}

TEST_P(MountedResourcesTest, AreFilteredByUri) {
  MountSpec made = notesSpec("a");
  made.resources.allow = {"note:///*"};
  made.resources.deny = {"note:///2"};
  mountNotes(made);
  EXPECT_EQ(resources(), (std::vector<std::string>{"tutti://mounted/a/note:///1",
                                                   "tutti://mounted/a/note:///3"}));
  const std::string denied = "tutti://mounted/a/note:///2";
  EXPECT_EQ(read(denied), "Resource not found: " + denied);
  EXPECT_EQ(read("tutti://mounted/a/other://1"), "Resource not found: tutti://mounted/a/other://1");
}

TEST_P(MountedResourcesTest, ComeAndGoAndAreBounded) {
  MountSpec made = notesSpec("a");
  made.limits.resources_max = 2;
  mountNotes(made);
  EXPECT_EQ(health().resources, 2U);
  EXPECT_TRUE(leftOut("resources_max is 2"));
  call("a__shrink");
  std::vector<std::string> fewer = {"tutti://mounted/a/note:///1"};
  if (odd() != 0) fewer.push_back("tutti://mounted/a/no uri at all");
  EXPECT_TRUE(until([&] { return resources() == fewer; }));
  EXPECT_EQ(read(fewer.back()).at("uri"), fewer.back());
}

TEST_P(MountedResourcesTest, AWatchedOneIsWatchedAtItsServerUntilNobodyDoes) {
  mountNotes(notesSpec("a"));
  const std::string uri = "tutti://mounted/a/note:///1";
  caller->watch({uri});
  ASSERT_TRUE(noted("\nsubscribe note:///1\n"));
  call("a__touch", {{"uri", "note:///2"}});
  call("a__touch", {{"uri", "note:///1/part"}});
  ASSERT_TRUE(until([&] { return !told.updated.empty(); }));
  EXPECT_EQ(told.updated, std::vector<std::string>{uri});
  caller->watch({});
  ASSERT_TRUE(noted("\nunsubscribe note:///1\n"));
}

TEST_P(MountedResourcesTest, AnOlderClientWatchesToo) {
  mountNotes(notesSpec("a"));
  const auto older = std::make_shared<Inbox>();
  mcp::Connection second(server, older, mcp::Connection::Client{});
  second.receive(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{)"
                 R"("protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t"}}})");
  second.receive(R"({"jsonrpc":"2.0","id":2,"method":"resources/subscribe",)"
                 R"("params":{"uri":"tutti://mounted/a/note:///1"}})");
  ASSERT_TRUE(noted("\nsubscribe note:///1\n"));
  older->frames.clear();
  call("a__touch", {{"uri", "note:///1"}});
  ASSERT_TRUE(until([&] { return !older->frames.empty(); }));
  EXPECT_EQ(Json::parse(older->frames[0]).at("params"),
            Json({{"uri", "tutti://mounted/a/note:///1"}}));
}

TEST_P(MountedResourcesTest, AServerThatWasAwayIsAskedAnewAndItsWatchersAreTold) {
  mountNotes(notesSpec("a"));
  const std::string uri = "tutti://mounted/a/note:///1";
  caller->watch({uri});
  ASSERT_TRUE(noted("subscribe note:///1"));
  std::filesystem::remove(folder / "notes");
  const Json died = read("tutti://mounted/a/note:///die");
  EXPECT_NE(died.dump().find("tool server 'a'"), std::string::npos) << died;
  ASSERT_TRUE(noted("subscribe note:///1"));
  ASSERT_TRUE(until([&] { return told.updated == std::vector<std::string>{uri}; }));
  EXPECT_EQ(read(uri).at("text"), "text of note:///1");
}

TEST_P(MountedResourcesTest, AFloodOfUpdatesIsToldOnceInItsTime) {
  options.updates_pause_ms = 600'000;
  mountNotes(notesSpec("a"));
  caller->watch({"tutti://mounted/a/note:///1"});
  ASSERT_TRUE(noted("subscribe note:///1"));
  call("a__touch", {{"uri", "note:///1"}, {"count", 5000}});
  ASSERT_TRUE(until([&] { return !told.updated.empty(); }));
  call("a__echo", {{"text", "x"}});
  EXPECT_EQ(told.updated.size(), 1U);
}

TEST_P(MountedResourcesTest, AHugeListHarmsNobodyElse) {
  MountSpec bad = notesSpec("bad", {"--list-bytes", "10000000"});
  bad.limits.message_bytes_max = 1'000'000;
  mount({bad, notesSpec("good")});
  ASSERT_TRUE(until([&] { return health(1).templates == 1; }));
  EXPECT_EQ(textOf(call("bad__echo", {{"text", "tools still work"}})), "tools still work");
  EXPECT_EQ(read("tutti://mounted/good/note:///1").at("text"), "text of note:///1");
  EXPECT_EQ(health(0).resources, 0U);
}

TEST_P(MountedResourcesTest, ATenMegabyteListWithinTheLimitIsServed) {
  mountNotes(notesSpec("a", {"--list-bytes", "10000000"}));
  EXPECT_EQ(health().resources, 4U + odd());
  EXPECT_EQ(read("tutti://mounted/a/note:///1").at("text"), "text of note:///1");
}

TEST_P(MountedResourcesTest, AReadIsCancelledCountedAndLimitedInTime) {
  MountSpec made = notesSpec("a");
  made.timeout_s = 0.3;
  mountNotes(made);
  const client::Ended slow = beginRead("tutti://mounted/a/note:///slow");
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  caller->cancel(ticket, "enough");
  ASSERT_TRUE(noted("cancelled"));
  EXPECT_TRUE(until([&] { return health().in_flight == 0; }));
  EXPECT_NE(read("tutti://mounted/a/note:///slow").dump().find("was not answered within 300 ms"),
            std::string::npos);
}

TEST_P(MountedResourcesTest, AboveWatchedMaxTheFirstAreWatchedAndItIsSaidOnce) {
  options.watched_max = 2;
  mountNotes(notesSpec("a"));
  log::configure(log::Level::Warning);
  ::testing::internal::CaptureStderr();
  const std::string prefix = "tutti://mounted/a/note:///";
  caller->watch({prefix + "1", prefix + "2", prefix + "3"});
  EXPECT_TRUE(noted("subscribe note:///1") && noted("subscribe note:///2"));
  caller->watch({prefix + "2", prefix + "3", prefix + "4"});
  EXPECT_TRUE(noted("unsubscribe note:///1") && noted("subscribe note:///3"));
  const std::string said = ::testing::internal::GetCapturedStderr();
  log::configure(log::Level::Off);
  const std::string warning = "more resources of an MCP server are watched than can be";
  const std::size_t first = said.find(warning);
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_NE(said.find("\"watched_max\":2", first), std::string::npos) << said;
  EXPECT_EQ(said.find(warning, first + 1), std::string::npos) << said;
  EXPECT_EQ(notes("notes").find("subscribe note:///4"), std::string::npos);
}

TEST_P(MountedResourcesTest, AServerOverHttpTellsOfWhatIsWatched) {
  mcp::Server other(fixture::options());
  ASSERT_TRUE(other
                  .addResource({"doc://1", "one"},
                               [](const std::shared_ptr<mcp::ResourceRead>& asked) {
                                 mcp::ResourceContents contents;
                                 contents.uri = asked->uri();
                                 contents.text = "one";
                                 asked->finish(mcp::ResourceOutput{{contents}, 5'000});
                               })
                  .ok());
  transport::HttpOptions http_options;
  http_options.port = 0;
  transport::HttpServer http(io, other, http_options);
  ASSERT_TRUE(http.start().ok());
  MountSpec made;
  made.name = "web";
  made.kind = MountSpec::Kind::Http;
  made.url = "http://127.0.0.1:" + std::to_string(http.port()) + "/mcp";
  mount({made});
  const std::string uri = "tutti://mounted/web/doc://1";
  ASSERT_TRUE(until([&] { return resources() == std::vector<std::string>{uri}; }));
  EXPECT_EQ(read(uri).at("text"), "one");
  caller->watch({uri});
  ASSERT_TRUE(until([&] { return other.watchedUris() == std::vector<std::string>{"doc://1"}; }));
  other.resourceUpdated("doc://1");
  ASSERT_TRUE(until([&] { return told.updated == std::vector<std::string>{uri}; }));
  caller->watch({});
  EXPECT_TRUE(until([&] { return other.watchedUris().empty(); }));
  host.reset();
}

}  // namespace
}  // namespace tutti::toolhost
