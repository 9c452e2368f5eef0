// Shared documents through the real program: by the doc_* tools, as resources, and by `tutti doc`.
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

namespace fs = std::filesystem;

std::string contentOf(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The content blocks of a tools/call.
Json blocks(TuttiProcess& tutti, const std::string& tool, Json arguments) {
  const Json answer =
      tutti.request("tools/call", {{"name", tool}, {"arguments", std::move(arguments)}});
  EXPECT_TRUE(answer.contains("result")) << answer;
  EXPECT_FALSE(answer["result"].value("isError", false)) << answer;
  return answer["result"]["content"];
}

std::string push(TuttiProcess& tutti, const std::string& name, const std::string& content) {
  const Json made = tutti.call("doc_push", {{"name", name}, {"content", content}});
  EXPECT_TRUE(made.contains("id")) << made;
  return made.value("id", "");
}

Options allTools() {
  return {.arguments = {"stdio", "--toolsets", "all"}};
}

TEST(DocumentsTest, WhatOneProcessPushesAnotherReads) {
  TempFolder folder;
  TuttiProcess writer(folder);
  const Json made = writer.call("doc_push", {{"name", "findings.md"},
                                             {"content", "# Findings\n\nThe lock is held.\n"},
                                             {"tags", {"review", "locks"}},
                                             {"description", "what the review found"}});
  ASSERT_TRUE(made.contains("id")) << made;
  EXPECT_EQ(made["version"], 1);
  EXPECT_EQ(made["content_type"], "text/markdown");
  EXPECT_EQ(made["metadata"]["description"], "what the review found");
  EXPECT_EQ(made["uri"], "tutti://doc/" + made["id"].get<std::string>());

  TuttiProcess reader(folder);
  const Json found = reader.call("doc_query", {{"tags", "locks"}});
  ASSERT_EQ(found["documents"].size(), 1U) << found;
  EXPECT_EQ(found["documents"][0]["id"], made["id"]);
  const Json read = blocks(reader, "doc_read", {{"document_id", made["id"]}});
  EXPECT_EQ(read[0]["text"], "# Findings\n\nThe lock is held.\n");
}

TEST(DocumentsTest, AnEditMakesAVersionAndTheOldOneCanBeReadComparedAndRestored) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  const std::string id = push(tutti, "plan.md", "one\ntwo\nthree\n");
  const Json edited =
      tutti.call("doc_edit", {{"document_id", id}, {"old_string", "two"}, {"new_string", "zwei"}});
  EXPECT_EQ(edited["version"], 2) << edited;
  EXPECT_EQ(edited["replacements_made"], 1);
  EXPECT_EQ(blocks(tutti, "doc_read", {{"document_id", id}, {"version", 1}})[0]["text"],
            "one\ntwo\nthree\n");
  const std::string diff =
      blocks(tutti, "doc_read", {{"document_id", id}, {"diff_from", 1}})[0]["text"]
          .get<std::string>();
  EXPECT_NE(diff.find("-two\n+zwei\n"), std::string::npos) << diff;
  const Json restored = tutti.call("doc_write", {{"document_id", id}, {"restore_version", 1}});
  EXPECT_EQ(restored["version"], 3) << restored;
  EXPECT_EQ(blocks(tutti, "doc_read", {{"document_id", id}})[0]["text"], "one\ntwo\nthree\n");
  const Json info = tutti.call("doc_info", {{"document_id", id}, {"versions", true}});
  EXPECT_EQ(info["versions"].size(), 3U) << info;
}

TEST(DocumentsTest, AStaleExpectedVersionIsAConflictThatNamesBoth) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  const std::string id = push(tutti, "a.txt", "one");
  tutti.call("doc_write", {{"document_id", id}, {"content", "two"}});
  const Json refused =
      tutti.call("doc_push", {{"document_id", id}, {"content", "three"}, {"expected_version", 1}});
  EXPECT_EQ(refused["error"]["name"], "version_conflict") << refused;
  EXPECT_EQ(refused["error"]["details"]["version"], 2) << refused;
  EXPECT_EQ(blocks(tutti, "doc_read", {{"document_id", id}})[0]["text"], "two");
}

TEST(DocumentsTest, ARepeatedPushWithOneKeyMakesOneDocument) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  const Json arguments = {{"name", "a.txt"}, {"content", "one"}, {"idempotency_key", "k"}};
  const Json first = tutti.call("doc_push", arguments);
  const Json second = tutti.call("doc_push", arguments);
  EXPECT_EQ(first["id"], second["id"]) << second;
  Json other = arguments;
  other["content"] = "two";
  EXPECT_EQ(tutti.call("doc_push", other)["error"]["name"], "idempotency_key_reused");
}

TEST(DocumentsTest, ARepeatedLinkOrDeletionWithOneKeyGetsTheFirstAnswer) {
  TempFolder folder;
  TuttiProcess tutti(folder, allTools());
  const std::string a = push(tutti, "a.txt", "one");
  const std::string b = push(tutti, "b.txt", "two");
  const Json link = {{"create_from", a}, {"create_to", b}, {"idempotency_key", "k"}};
  const Json linked = tutti.call("doc_link", link);
  EXPECT_EQ(linked["success"], true) << linked;
  EXPECT_EQ(tutti.call("doc_link", link), linked);
  const Json removal = {{"document_id", a}, {"idempotency_key", "k"}};
  const Json removed = tutti.call("doc_delete", removal);
  EXPECT_EQ(removed["deleted_document_ids"], Json::array({a})) << removed;
  EXPECT_EQ(tutti.call("doc_delete", removal), removed);
}

TEST(DocumentsTest, ARepeatedRestoreOrChangeOfALinkWithOneKeyGetsTheFirstAnswer) {
  TempFolder folder;
  TuttiProcess tutti(folder, allTools());
  const std::string a = push(tutti, "a.txt", "one");
  const std::string b = push(tutti, "b.txt", "two");
  tutti.call("doc_write", {{"document_id", a}, {"content", "later"}});
  const Json restore = {{"document_id", a}, {"restore_version", 1}, {"idempotency_key", "k"}};
  const Json restored = tutti.call("doc_write", restore);
  EXPECT_EQ(restored["version"], 3) << restored;
  tutti.call("doc_write", {{"document_id", a}, {"content", "last"}});
  EXPECT_EQ(tutti.call("doc_write", restore), restored);
  EXPECT_EQ(
      tutti.call("doc_write",
                 {{"document_id", a}, {"content", "x"}, {"idempotency_key", "k"}})["error"]["name"],
      "idempotency_key_reused");
  const Json linked = tutti.call("doc_link", {{"create_from", a}, {"create_to", b}});
  const Json id = linked["from_relation"]["id"];
  const Json note = {{"update_id", id}, {"note", "why"}, {"idempotency_key", "n"}};
  const Json noted = tutti.call("doc_link", note);
  EXPECT_EQ(noted["relation"]["note"], "why") << noted;
  const Json removal = {{"remove_id", id}, {"idempotency_key", "r"}};
  const Json removed = tutti.call("doc_link", removal);
  EXPECT_EQ(removed["success"], true) << removed;
  EXPECT_EQ(tutti.call("doc_link", removal), removed);
  EXPECT_EQ(tutti.call("doc_link", note), noted);
}

TEST(DocumentsTest, ALongTextIsCutAndSaysWhereToGoOn) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += "ä\n";
  const std::string id = push(tutti, "long.txt", text);
  const Json first = blocks(tutti, "doc_read", {{"document_id", id}});
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1]["text"], "[characters 0 to 200000 of 300000; go on with offset 200000]");
  const Json rest = blocks(tutti, "doc_read", {{"document_id", id}, {"offset", 200'000}});
  EXPECT_EQ(rest[1]["text"], "[characters 200000 to 300000 of 300000]");
  EXPECT_EQ(first[0]["text"].get<std::string>() + rest[0]["text"].get<std::string>(), text);
}

TEST(DocumentsTest, AnImageComesAsAnImageAndOtherBytesAsAResource) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  const Json image = tutti.call(
      "doc_push", {{"name", "dot.png"}, {"content", "iVBORw0KGgo="}, {"encoding", "base64"}});
  const Json shown = blocks(tutti, "doc_read", {{"document_id", image["id"]}});
  EXPECT_EQ(shown[0]["type"], "image");
  EXPECT_EQ(shown[0]["data"], "iVBORw0KGgo=");
  EXPECT_EQ(shown[0]["mimeType"], "image/png");
  const Json data =
      tutti.call("doc_push", {{"name", "x.bin"}, {"content", "AP8A"}, {"encoding", "base64"}});
  const Json embedded = blocks(tutti, "doc_read", {{"document_id", data["id"]}});
  EXPECT_EQ(embedded[0]["type"], "resource");
  EXPECT_EQ(embedded[0]["resource"]["blob"], "AP8A");
}

TEST(DocumentsTest, WhatIsNoTextIsReadInPartsByBytes) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  std::string content;  // base64 of 240,000 bytes "p"
  for (int i = 0; i < 80'000; ++i) content += "cHBw";
  const Json image =
      tutti.call("doc_push", {{"name", "dot.png"}, {"content", content}, {"encoding", "base64"}});
  const Json id = image["id"];
  const Json some = blocks(tutti, "doc_read", {{"document_id", id}, {"offset", 1}, {"limit", 3}});
  EXPECT_EQ(some[0]["type"], "resource") << "a part of an image is none";
  EXPECT_EQ(some[0]["resource"]["blob"], "cHBw");
  EXPECT_EQ(some[1]["text"], "[bytes 1 to 4 of 240000; go on with offset 4]");
  const Json first = blocks(tutti, "doc_read", {{"document_id", id}, {"offset", 0}});
  EXPECT_EQ(first[1]["text"], "[bytes 0 to 200000 of 240000; go on with offset 200000]");
  const Json rest = blocks(tutti, "doc_read", {{"document_id", id}, {"offset", 200'000}});
  EXPECT_EQ(rest[1]["text"], "[bytes 200000 to 240000 of 240000]");
  const Json beyond = tutti.call("doc_read", {{"document_id", id}, {"offset", 240'000}});
  EXPECT_EQ(beyond["error"]["name"], "range_not_satisfiable") << beyond;
}

TEST(DocumentsTest, FilesComeFromAndGoToAllowedFoldersOnly) {
  TempFolder folder;
  const fs::path inside = folder.write("shared/report.md", "from a file");
  TempFolder elsewhere;
  const fs::path outside = elsewhere.write("secret.txt", "secret");
  Options options = allTools();
  options.arguments.insert(options.arguments.end(),
                           {"--document-root", (folder.path() / "shared").string()});
  TuttiProcess tutti(folder, options);
  const Json made = tutti.call("doc_push", {{"file_path", inside.string()}});
  EXPECT_EQ(made["filename"], "report.md") << made;
  const Json refused = tutti.call("doc_push", {{"file_path", outside.string()}});
  EXPECT_EQ(refused["error"]["name"], "path_outside_roots") << refused;
  const fs::path copy = folder.path() / "shared" / "copy.md";
  const Json pulled =
      tutti.call("doc_pull", {{"document_id", made["id"]}, {"output_path", copy.string()}});
  EXPECT_EQ(pulled["size_bytes"], 11) << pulled;
  EXPECT_EQ(contentOf(copy), "from a file");
  const Json again =
      tutti.call("doc_pull", {{"document_id", made["id"]}, {"output_path", copy.string()}});
  EXPECT_EQ(again["error"]["name"], "file_exists") << again;
}

TEST(DocumentsTest, BadInputIsNamedAndHarmsNothingThatIsThere) {
  TempFolder folder;
  TempFolder elsewhere;
  const fs::path secret = elsewhere.write("secret.txt", "secret");
  const fs::path root = folder.path() / "shared";
  folder.write("shared/a.txt", "a");
  fs::create_symlink(secret, root / "link.txt");
  fs::create_directory_symlink(elsewhere.path(), root / "out");
  Options options = allTools();
  options.arguments.insert(options.arguments.end(), {"--document-root", root.string()});
  TuttiProcess tutti(folder, options);
  const std::string id = push(tutti, "kept.md", "kept");
  const auto refused = [&](const std::string& tool, Json arguments) {
    const Json answer = tutti.call(tool, std::move(arguments));
    EXPECT_TRUE(answer.contains("error")) << tool << answer;
    if (!answer.contains("error")) return std::string();
    EXPECT_FALSE(answer["error"].value("message", "").empty()) << answer;
    return answer["error"].value("name", answer.dump());
  };
  for (const char* path : {"link.txt", "out/secret.txt", "../../etc/passwd"}) {
    EXPECT_EQ(refused("doc_push", {{"file_path", (root / path).string()}}), "path_outside_roots")
        << path;
    // A link in the place of the file is not written through.
    const bool is_link = fs::is_symlink(root / path);
    EXPECT_EQ(refused("doc_pull", {{"document_id", id}, {"output_path", (root / path).string()}}),
              is_link ? "not_a_file" : "path_outside_roots")
        << path;
  }
  for (const char* name : {"a\nb", "a\x01", "..", "a/b", "\x7f"}) {
    EXPECT_EQ(refused("doc_push", {{"name", name}, {"content", "x"}}), "invalid_filename");
    EXPECT_EQ(refused("doc_create", {{"filename", name}}), "invalid_filename");
  }
  for (const Json& value : {Json(5), Json(nullptr), Json::array(), Json::object()})
    EXPECT_NE(
        refused("doc_push", {{"name", "m"}, {"content", "x"}, {"metadata", {{"key", value}}}}), "")
        << value;
  EXPECT_EQ(refused("doc_link", {{"create_from", id}, {"create_to", id}}), "relation_to_itself");
  EXPECT_EQ(refused("doc_edit", {{"document_id", id},
                                 {"old_string", "kept"},
                                 {"new_string", "x"},
                                 {"expected_version", 7}}),
            "version_conflict");
  const Json left = tutti.call("doc_query");
  ASSERT_EQ(left["documents"].size(), 1U) << left;
  EXPECT_EQ(blocks(tutti, "doc_read", {{"document_id", id}})[0]["text"], "kept");
  EXPECT_EQ(contentOf(secret), "secret");
}

TEST(DocumentsTest, LinkedDocumentsAreFoundFromEachOtherAndChildrenGoWithTheirParent) {
  TempFolder folder;
  TuttiProcess tutti(folder, allTools());
  const std::string parent = push(tutti, "parent.md", "p");
  const std::string child = push(tutti, "child.md", "c");
  const Json linked = tutti.call(
      "doc_link",
      {{"create_from", parent}, {"create_to", child}, {"relation_type", "parent-child"}});
  EXPECT_EQ(linked["from_relation"]["relation_type"], "child") << linked;
  const Json info = tutti.call("doc_info", {{"document_id", child}, {"path_to", parent}});
  EXPECT_EQ(info["relations"]["parent"][0]["related_document_id"], parent) << info;
  EXPECT_EQ(info["path"].size(), 1U) << info;
  const Json cycle = tutti.call(
      "doc_link",
      {{"create_from", child}, {"create_to", parent}, {"relation_type", "parent-child"}});
  EXPECT_EQ(cycle["error"]["name"], "relation_cycle") << cycle;
  const Json deleted = tutti.call("doc_delete", {{"document_id", parent}});
  EXPECT_EQ(deleted["deleted_document_ids"], Json::array({child, parent})) << deleted;
}

TEST(DocumentsTest, ArgumentsThatContradictEachOtherAreNamed) {
  TempFolder folder;
  TuttiProcess tutti(folder, allTools());
  const auto errorOf = [&](const std::string& tool, Json arguments) {
    const Json answer = tutti.call(tool, std::move(arguments));
    return answer.contains("error") ? answer["error"].value("name", "") : answer.dump();
  };
  EXPECT_EQ(errorOf("doc_push", {{"name", "a"}}), "content_missing");
  EXPECT_EQ(errorOf("doc_push", {{"content", "a"}}), "name_missing");
  EXPECT_EQ(errorOf("doc_push", {{"content", "a"}, {"file_path", "/a"}}), "content_given_twice");
  EXPECT_EQ(errorOf("doc_push", {{"name", "a"}, {"content", "a"}, {"expected_version", 1}}),
            "document_id_missing");
  EXPECT_EQ(errorOf("doc_push", {{"document_id", "x"}, {"content", "a"}, {"tags", "t"}}),
            "not_for_a_version");
  EXPECT_EQ(errorOf("doc_push", {{"name", "a"}, {"content", "=A"}, {"encoding", "base64"}}),
            "invalid_base64");
  EXPECT_EQ(errorOf("doc_push", {{"name", "a/b"}, {"content", "a"}}), "invalid_filename");
  EXPECT_EQ(errorOf("doc_write", {{"document_id", "x"}}), "content_missing");
  EXPECT_EQ(errorOf("doc_read", {{"document_id", "doc_0"}}), "document_not_found");
  EXPECT_EQ(errorOf("doc_link", Json::object()), "link_mode");
  EXPECT_EQ(errorOf("doc_link", {{"types", true}, {"remove_id", "1"}}), "link_mode");
}

/// A client of the older era that subscribes to documents.
class Subscriber {
 public:
  explicit Subscriber(const TempFolder& folder) : tutti_(folder) {
    ask("initialize", {{"protocolVersion", "2025-06-18"},
                       {"capabilities", Json::object()},
                       {"clientInfo", {{"name", "test"}, {"version", "1"}}}});
    tutti_.send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  }
  /// The answer; what is told before it is kept.
  Json ask(const std::string& method, const Json& params) {
    const int id = ++last_id_;
    tutti_.send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
    for (;;) {
      Json message = tutti_.receive();
      if (message.empty() || message.value("id", 0) == id) return message;
      told_.push_back(std::move(message));
    }
  }
  void subscribe(const std::string& uri) {
    const Json answer = ask("resources/subscribe", {{"uri", uri}});
    EXPECT_TRUE(answer.contains("result")) << answer;
  }
  /// Waits until it is told that this has changed, past what it is told of others.
  void awaitUpdate(const std::string& uri) {
    for (std::string updated; updated != uri;) {
      const Json message = nextTold();
      ASSERT_EQ(message.value("method", ""), "notifications/resources/updated") << message;
      updated = message["params"].value("uri", "");
    }
  }

 private:
  Json nextTold() {
    if (told_.empty()) return tutti_.receive();
    Json message = std::move(told_.front());
    told_.pop_front();
    return message;
  }

  TuttiProcess tutti_;
  int last_id_ = 0;
  std::deque<Json> told_;
};

TEST(DocumentsTest, ADocumentIsAResourceWhoseSubscribersHearOfChangesByOtherProcesses) {
  TempFolder folder;
  TuttiProcess writer(folder);
  const std::string id = push(writer, "a.md", "one");
  const std::string fence = push(writer, "fence", "one");
  const std::string uri = "tutti://doc/" + id;
  Subscriber reader(folder);
  // With the first news a subscriber is told of changes made before, if it has subscribed to them
  // by then: when it has heard of the fence, no more of these will come.
  reader.subscribe("tutti://doc/" + fence);
  writer.call("doc_write", {{"document_id", fence}, {"content", "two"}});
  reader.awaitUpdate("tutti://doc/" + fence);
  reader.subscribe(uri);
  writer.call("doc_write", {{"document_id", id}, {"content", "two"}});
  reader.awaitUpdate(uri);
  const Json read = reader.ask("resources/read", {{"uri", uri}});
  ASSERT_TRUE(read.contains("result")) << read;
  const Json content = read["result"]["contents"].at(0);
  EXPECT_EQ(content.value("text", ""), "two") << read;
  EXPECT_EQ(content.value("mimeType", ""), "text/markdown") << read;
}

TEST(DocumentsTest, TheListGoesOnPageByPageAndTheOldestIsCompletedByItsName) {
  TempFolder folder;
  TuttiProcess tutti(folder, allTools());
  const std::string oldest = push(tutti, "a*oldest.md", "first");
  constexpr int kMore = 1000;  // a page
  for (int i = 0; i < kMore; ++i) tutti.call("doc_create", {{"filename", "n" + std::to_string(i)}});
  std::set<std::string> ids;
  int pages = 0;
  for (std::string uri = "tutti://documents"; !uri.empty() && pages < 5; ++pages) {
    const Json read = tutti.request("resources/read", {{"uri", uri}});
    ASSERT_TRUE(read.contains("result")) << read;
    const Json page = Json::parse(read["result"]["contents"][0]["text"].get<std::string>());
    for (const Json& one : page["documents"]) ids.insert(one["id"].get<std::string>());
    uri = page.value("next", "");
  }
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(ids.size(), 1U + kMore);
  const auto completed = [&](const std::string& typed) {
    return tutti.request(
        "completion/complete",
        {{"ref", {{"type", "ref/resource"}, {"uri", "tutti://doc/{document_id}"}}},
         {"argument", {{"name", "document_id"}, {"value", typed}}}})["result"]["completion"];
  };
  EXPECT_EQ(completed("a*old")["values"], Json::array({oldest}));
  EXPECT_EQ(completed("a?old")["values"], Json::array()) << "what is typed is no pattern";
  EXPECT_EQ(completed(oldest)["values"], Json::array({oldest}));
  EXPECT_EQ(completed("")["values"].size(), 100U);
  EXPECT_EQ(completed("n1")["total"], 111);
  EXPECT_EQ(completed(std::string(60'000, 'n'))["values"], Json::array());
}

TEST(DocumentsTest, ACompletionThatIsCutAtThePageSaysThatThereIsMore) {
  TempFolder folder;
  auto options = allTools();
  options.arguments.insert(options.arguments.end(), {"--document-page", "2"});
  TuttiProcess tutti(folder, options);
  for (const char* name : {"n1", "n2", "n3"}) push(tutti, name, "x");
  const auto completed = [&](const std::string& typed) {
    return tutti.request(
        "completion/complete",
        {{"ref", {{"type", "ref/resource"}, {"uri", "tutti://doc/{document_id}"}}},
         {"argument", {{"name", "document_id"}, {"value", typed}}}})["result"]["completion"];
  };
  const Json some = completed("n");
  EXPECT_EQ(some["values"].size(), 2U) << some;
  EXPECT_EQ(some["hasMore"], true) << some;
  EXPECT_FALSE(some.contains("total")) << "nobody has counted them: " << some;
  EXPECT_EQ(completed("n3")["hasMore"], false);
}

TEST(DocumentsTest, WhatWasPushedIsFoundByItsWordsAndTheSectionCanBeRead) {
  TempFolder folder;
  TuttiProcess tutti(folder);
  push(tutti, "cooking.md", "# Soup\n\nBoil the carrots.\n");
  const std::string id = push(tutti, "locks.md", "# Locks\n\nThe mutexes were held too long.\n");
  const Json found = tutti.call("doc_search", {{"query", "mutex"}});
  ASSERT_EQ(found["results"].size(), 1U) << found;
  const Json& result = found["results"][0];
  EXPECT_EQ(result["document_id"], id);
  EXPECT_EQ(found["mode"], "fulltext");
  const Json& section = result["sections"][0];
  const Json read =
      blocks(tutti, "doc_read",
             {{"document_id", id}, {"offset", section["offset"]}, {"limit", section["limit"]}});
  EXPECT_NE(read[0]["text"].get<std::string>().find("mutexes were held"), std::string::npos);
  EXPECT_EQ(tutti.call("doc_search", {{"query", "AND OR"}})["error"]["name"], "invalid_query");
  EXPECT_EQ(tutti.call("doc_search", {{"query", "carrots"}, {"mode", "semantic"}})["error"]["name"],
            "semantic_not_enabled");
  const Ran shown = runTutti(folder, {"doc", "search", "carrots"});
  EXPECT_NE(shown.out.find("cooking.md"), std::string::npos) << shown.out << shown.err;
}

TEST(DocumentsTest, TheCommandLinePushesListsReadsEditsAndRestores) {
  TempFolder folder;
  const fs::path file = folder.write("notes.md", "alpha\nbeta\n");
  const Ran pushed = runTutti(folder, {"doc", "push", "--tag", "t", file.string(), "--json"});
  ASSERT_EQ(pushed.status, 0) << pushed.err;
  const std::string id = Json::parse(pushed.out)["id"].get<std::string>();
  EXPECT_NE(runTutti(folder, {"doc", "ls"}).out.find("notes.md"), std::string::npos);
  EXPECT_EQ(runTutti(folder, {"doc", "cat", "notes.md"}).out, "alpha\nbeta\n");
  EXPECT_EQ(runTutti(folder, {"doc", "cat", id, "--offset", "6", "--limit", "4"}).out, "beta");
  const Ran edited =
      runTutti(folder, {"doc", "edit", "notes.md", "--old", "beta", "--new", "gamma"});
  EXPECT_EQ(edited.status, 0) << edited.err;
  const Ran diff = runTutti(folder, {"doc", "diff", "notes.md"});
  EXPECT_NE(diff.out.find("-beta\n+gamma\n"), std::string::npos) << diff.out << diff.err;
  EXPECT_EQ(countOf(runTutti(folder, {"doc", "log", id}).out, "\n"), 2);
  EXPECT_EQ(runTutti(folder, {"doc", "restore", id, "1"}).status, 0);
  EXPECT_EQ(runTutti(folder, {"doc", "cat", id}).out, "alpha\nbeta\n");
  const fs::path copy = folder.path() / "copy.md";
  EXPECT_EQ(runTutti(folder, {"doc", "pull", id, "-o", copy.string()}).status, 0);
  EXPECT_EQ(contentOf(copy), "alpha\nbeta\n");
  EXPECT_EQ(runTutti(folder, {"doc", "pull", id, "-o", copy.string()}).status, 1);
  EXPECT_EQ(runTutti(folder, {"doc", "rm", id}).status, 0);
  const Ran gone = runTutti(folder, {"doc", "cat", id});
  EXPECT_EQ(gone.status, 1);
  EXPECT_NE(gone.err.find("not found"), std::string::npos) << gone.err;
}

TEST(DocumentsTest, AnEditorChangesTheWholeText) {
  TempFolder folder;
  const fs::path file = folder.write("notes.md", "alpha\n");
  ASSERT_EQ(runTutti(folder, {"doc", "push", file.string()}).status, 0);
  const fs::path editor =
      folder.write("editor.sh", "#!/bin/sh\nprintf 'more\\n' >> \"$1\"\n", 0755);
  const Ran edited = runTutti(folder, {"doc", "edit", "notes.md"}, {"EDITOR=" + editor.string()});
  EXPECT_EQ(edited.status, 0) << edited.err;
  EXPECT_EQ(runTutti(folder, {"doc", "cat", "notes.md"}).out, "alpha\nmore\n");
  const Ran none = runTutti(folder, {"doc", "edit", "notes.md"});
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.err.find("EDITOR"), std::string::npos) << none.err;
}

}  // namespace
}  // namespace tutti::test
