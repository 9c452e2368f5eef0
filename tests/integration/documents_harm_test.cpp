// What could harm shared documents and takes more than one call, by tool, by REST and by `tutti
// doc`: rivals, uploads that are cut off, a full disk, a bad embeddings server, a huge PDF. As with
// the rows of documents_bad_input_test.cpp each is named, and no other document suffers.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "tests/integration/documents_world.hpp"
#include "tests/search/embeddings_server.hpp"

namespace tutti::test {
namespace {
namespace fs = std::filesystem;

TEST(DocumentsHarmTest, CyclesAreRefusedInEveryWayAndTheOldLinksStay) {
  DocumentsWorld world;
  EXPECT_EQ(world
                .tool("doc_link", {{"create_from", world.bystander},
                                   {"create_to", world.target},
                                   {"relation_type", "parent-child"}})
                .find("{\"from_relation\""),
            0U);
  const std::string linked = world.state();
  EXPECT_EQ(world.tool("doc_link", {{"create_from", world.target},
                                    {"create_to", world.bystander},
                                    {"relation_type", "parent-child"}}),
            "relation_cycle");
  EXPECT_EQ(world.link("parent-child", world.target, world.bystander), "409 relation_cycle");
  const std::string said =
      world.command({"doc", "link", world.target, world.bystander, "--type", "parent-child"});
  EXPECT_EQ(said.find("1 tutti: "), 0U) << said;
  EXPECT_EQ(world.state(), linked);
  const Json info = world.tools->call("doc_info", {{"document_id", world.target}});
  EXPECT_EQ(info["relations"]["parent"].size(), 1U) << info;
  world.expectWhole();
}

TEST(DocumentsHarmTest, OfTwoWritersOfOneVersionExactlyOneWins) {
  DocumentsWorld world;
  const auto both = [&](const std::function<std::string(const std::string&)>& write) {
    const std::string id = world.pushed("contended.md", "one");
    std::vector<std::string> said(2);
    {
      std::vector<std::jthread> writers;
      for (int i = 0; i < 2; ++i)
        writers.emplace_back([&, i] { said[static_cast<std::size_t>(i)] = write(id); });
    }
    std::sort(said.begin(), said.end());
    EXPECT_EQ(world.tools->call("doc_info", {{"document_id", id}})["version"], 2);
    return said;
  };
  std::atomic<int> turn = 0;
  const auto unlike = [&turn] { return "writer " + std::to_string(++turn); };

  TuttiProcess other(world.folder, {.arguments = {"stdio", "--toolsets", "all"}});
  std::atomic<TuttiProcess*> free = world.tools.get();
  const auto tools = both([&](const std::string& id) {
    TuttiProcess* mine = free.exchange(&other);
    const Json answer = mine->call(
        "doc_write", {{"document_id", id}, {"content", unlike()}, {"expected_version", 1}});
    return answer.contains("error") ? answer["error"].value("name", "") : "done";
  });
  EXPECT_EQ(tools, (std::vector<std::string>{"done", "version_conflict"}));

  const auto rest = both([&](const std::string& id) {
    const std::string said =
        world.rest("PUT", "/documents/" + id + "/content?expected_version=1", unlike(), "");
    return said.substr(0, said.find(' ') + (said[0] == '2' ? 0 : 20));
  });
  EXPECT_EQ(rest, (std::vector<std::string>{"200", "409 version_conflict"}));

  const auto commands = both([&](const std::string& id) {
    const std::string text = unlike();
    const fs::path file = world.folder.write(text, text);
    TuttiProcess command(world.folder, {.arguments = {"doc", "push", "--document", id,
                                                      "--expected-version", "1", file.string()}});
    return std::to_string(command.wait());
  });
  EXPECT_EQ(commands, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(world.content(world.bystander), "carrots");
  world.expectWhole();
}

TEST(DocumentsHarmTest, AnUploadThatIsCutOffLeavesNothing) {
  DocumentsWorld world;
  const std::string half(600'000, 'x');  // more than is kept in a row
  const std::string put =
      "PUT /documents/" + world.target + "/content HTTP/1.1\r\nHost: localhost\r\n";
  const std::string whole_form = form("new.bin", half + half);
  const Json push = {
      {"jsonrpc", "2.0"},
      {"id", 1},
      {"method", "tools/call"},
      {"params", {{"name", "doc_push"}, {"arguments", {{"name", "a"}, {"content", half}}}}}};
  const std::string call = push.dump();
  const std::string requests[] = {
      put + "Content-Length: 2000000\r\n\r\n" + half,
      put + "Transfer-Encoding: chunked\r\n\r\n927c0\r\n" + half + "\r\n100000\r\nhalf of a chunk",
      "POST /documents HTTP/1.1\r\nHost: localhost\r\n" + std::string(kFormHeader) +
          "Content-Length: " + std::to_string(whole_form.size()) + "\r\n\r\n" +
          whole_form.substr(0, whole_form.size() / 2),
      std::string("POST /mcp HTTP/1.1\r\nHost: localhost\r\n") + kJsonHeader +
          "Accept: application/json, text/event-stream\r\nContent-Length: " +
          std::to_string(call.size()) + "\r\n\r\n" + call.substr(0, call.size() / 2)};
  for (const std::string& request : requests) {
    for (const bool waits : {false, true}) {
      fixture::HttpClient client(world.serving->main_port);
      ASSERT_TRUE(client.send(request));
      if (waits) {
        client.finishSending();
        const auto answer = client.answer();
        EXPECT_TRUE(answer.status == 0 || answer.status == 400) << answer.head << answer.body;
      }
      client.close();
      world.awaitUnchanged();
    }
  }
  // A form that says how long it is, and ends before its last boundary, can be told so.
  EXPECT_EQ(
      world.rest("POST", "/documents", whole_form.substr(0, whole_form.size() / 2), kFormHeader),
      "400 invalid_multipart");
  // On pipes: a line that never ends.
  {
    TuttiProcess cut(world.folder);
    cut.sendLine(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
    cut.sendBytes(call.substr(0, call.size() / 2));
    cut.closeInput();
    EXPECT_EQ(cut.wait(), 0) << cut.errors();
  }
  // A command that is killed outright cannot clean up: doctor names what it had staged.
  {
    TuttiProcess dying(world.folder, {.arguments = {"doc", "push", "--name", "cut.bin"}});
    dying.sendBytes(half + half);
    dying.kill(SIGKILL);
    dying.wait();
  }
  EXPECT_EQ(runTutti(world.folder, {"doc", "cat", world.bystander}).out, "carrots");
  const Ran left = runTutti(world.folder, {"doctor", "--fix", "--json"});
  EXPECT_EQ(left.status, 0) << left.out;
  const Json told = Json::parse(left.out);
  for (const Json& finding : told["findings"])
    EXPECT_EQ(finding["name"], "staged_leftover") << finding;
  world.expectUnchanged();
  world.expectWhole();
}

TEST(DocumentsHarmTest, AFullDiskIsNamedInEveryWayAndAfterItAllGoesOn) {
  DocumentsWorld world;
  const std::string large(4U << 20, 'x');
  const fs::path file = world.folder.write("shared/large.bin", large);
  for (const TuttiProcess* process : {world.tools.get(), &world.serving->process()})
    limitFiles(*process, 1U << 20);
  EXPECT_EQ(world.tool("doc_push", {{"name", "large"}, {"content", large}}), "disk_full");
  EXPECT_EQ(world.tool("doc_push", {{"file_path", file.string()}}), "disk_full");
  EXPECT_EQ(world.tool("doc_write", {{"document_id", world.target}, {"content", large}}),
            "disk_full");
  EXPECT_EQ(world.rest("PUT", "/documents/" + world.target + "/content", large, ""),
            "507 disk_full");
  EXPECT_EQ(world.rest("POST", "/documents", form("large", large), kFormHeader), "507 disk_full");
  TuttiProcess command(world.folder,
                       {.arguments = {"doc", "push", file.string()},
                        .wrapper = {"/bin/sh", "-c", "ulimit -f 2048; exec \"$@\"", "sh"}});
  EXPECT_EQ(command.wait(), 1);
  EXPECT_NE(command.errors().find("disk"), std::string::npos) << command.errors();
  world.awaitUnchanged();
  for (const TuttiProcess* process : {world.tools.get(), &world.serving->process()})
    limitFiles(*process, RLIM_INFINITY);
  EXPECT_EQ(world.rest("PUT", "/documents/" + world.target + "/content", large, "").substr(0, 3),
            "200");
  EXPECT_EQ(world.content(world.target), large);
  EXPECT_EQ(world.content(world.bystander), "carrots");
  world.expectWhole();
}

/// How an embeddings server fails, and what a search by meaning is told then.
struct Misbehaviour {
  const char* mode;
  const char* expected;
};

class EmbeddingsMisbehaviourTest : public ::testing::TestWithParam<Misbehaviour> {};

TEST_P(EmbeddingsMisbehaviourTest, IsNamedAndWordsAreFoundAllTheSame) {
  search::EmbeddingsServer server;
  DocumentsWorld world({"--embeddings-url", server.url(), "--embeddings-model", "m"});
  // Whoever has no vector yet is asked for again and again, and each failure counts.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (bool whole = false; !whole;) {
    const Json found =
        world.tools->call("doc_search", {{"query", "carrots"}, {"mode", "semantic"}});
    ASSERT_TRUE(found.contains("results")) << found;
    whole = found["results"].size() == 2 && !found.contains("embedding");
    ASSERT_TRUE(whole || std::chrono::steady_clock::now() < deadline) << found;
  }
  const std::string mode = GetParam().mode;
  if (mode == "down")
    server.stop();
  else
    server.mode(mode);
  const std::string expected = GetParam().expected;
  {
    // At once: a slow server takes each the time that a search may take.
    const std::jthread rest([&] {
      const std::string answer = world.rest("GET", "/search?q=kettle&mode=semantic");
      EXPECT_NE(answer.find(" " + expected), std::string::npos) << answer;
    });
    const std::jthread command([&] {
      const std::string said = world.command({"doc", "search", "pan", "--mode", "semantic"});
      EXPECT_EQ(said.find("1 tutti: "), 0U) << said;
    });
    EXPECT_EQ(world.tool("doc_search", {{"query", "soup"}, {"mode", "semantic"}}), expected);
  }
  const Json words = world.tools->call("doc_search", {{"query", "carrots"}});
  EXPECT_EQ(words["results"][0].value("document_id", ""), world.bystander) << words;
  EXPECT_TRUE(words["problem"].is_object()) << words;
  // A document pushed meanwhile is there, and found by its words.
  const std::string id = world.pushed("later.md", "turnips");
  EXPECT_EQ(
      world.tools->call("doc_search", {{"query", "turnips"}, {"mode", "fulltext"}})["results"][0]
          .value("document_id", ""),
      id);
  EXPECT_EQ(world.content(world.bystander), "carrots");
  world.expectWhole();
}

INSTANTIATE_TEST_SUITE_P(Modes, EmbeddingsMisbehaviourTest,
                         ::testing::Values(Misbehaviour{"slow", "embeddings_time"},
                                           Misbehaviour{"other_dimension", "embeddings_dimension"},
                                           Misbehaviour{"down", "embeddings_unreachable"}),
                         [](const auto& given) { return std::string(given.param.mode); });

TEST(DocumentsHarmTest, APdfOf200MbIsKeptAndNobodyWaitsForItsText) {
  DocumentsWorld world;
  const fs::path file = world.folder.write("shared/huge.pdf", "%PDF-1.7\n");
  constexpr std::int64_t kBytes = 200'000'000;
  fs::resize_file(file, kBytes);
  const Json made = world.tools->call("doc_push", {{"file_path", file.string()}});
  EXPECT_EQ(made["size_bytes"], kBytes) << made;
  const Json found = world.tools->call("doc_search", {{"query", "carrots"}});
  EXPECT_EQ(found["results"][0].value("document_id", ""), world.bystander) << found;
  const Json by_name = world.tools->call("doc_search", {{"query", "huge"}});
  EXPECT_EQ(by_name["results"][0].value("document_id", ""), made.value("id", "")) << by_name;
  EXPECT_EQ(by_name["results"][0]["problem"].value("name", ""), "content_too_large") << by_name;
  const std::string rest = ask(world.serving->documents_port, "GET", "/search?q=huge").body;
  EXPECT_NE(rest.find("content_too_large"), std::string::npos) << rest;
  EXPECT_NE(runTutti(world.folder, {"doc", "search", "huge"}).out.find("its text is not searched"),
            std::string::npos);
  const Ran pulled = runTutti(world.folder, {"doc", "pull", "huge.pdf", "-o", "copy.pdf"});
  EXPECT_EQ(pulled.status, 0) << pulled.err;
  EXPECT_EQ(fs::file_size(world.folder.path() / "copy.pdf"), static_cast<std::uintmax_t>(kBytes));
  const auto part = ask(world.serving->documents_port, "GET", "/documents/" + made.value("id", ""),
                        "", "Range: bytes=0-8\r\n");
  EXPECT_EQ(part.body, "%PDF-1.7\n");
  EXPECT_EQ(world.content(world.bystander), "carrots");
  world.expectWhole();
}

}  // namespace
}  // namespace tutti::test
