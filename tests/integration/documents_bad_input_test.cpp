// What bad input to shared documents gets, by tool, by REST and by `tutti doc`: a named error, and
// nothing changed: no document more or less, none harmed, no file left over, a store that is whole.
// What takes more than one call is in documents_harm_test.cpp.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "tests/integration/documents_world.hpp"
#include "tests/read_file.hpp"

namespace tutti::test {
namespace {
namespace fs = std::filesystem;

using Said = std::function<std::string(DocumentsWorld&)>;

/// One way to give the bad input, and what has to stand in the answer.
struct Attempt {
  std::string what;
  Said act;
  std::string expected;
};
struct Row {
  const char* name;
  std::vector<Attempt> attempts;
};

/// For the report of a test that fails.
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

// The ways, as short as a table needs them.

Attempt byTool(const std::string& name, Json arguments, const std::string& expected) {
  return {name + " " + arguments.dump(),
          [=](DocumentsWorld& world) { return world.tool(name, arguments); }, expected};
}
Attempt byRest(const std::string& method, const std::string& path, const std::string& body,
               const std::string& expected) {
  return {method + " " + path + " " + body,
          [=](DocumentsWorld& world) { return world.rest(method, path, body); }, expected};
}
Attempt byForm(const std::string& filename, const std::string& metadata,
               const std::string& expected) {
  return {"form " + filename + " " + metadata,
          [=](DocumentsWorld& world) {
            return world.rest("POST", "/documents", form(filename, "x", metadata), kFormHeader);
          },
          expected};
}
Attempt byCommand(std::vector<std::string> arguments, const std::string& expected) {
  return {"tutti " + arguments.at(1),
          [=](DocumentsWorld& world) { return world.command(arguments); }, expected};
}
Attempt by(const std::string& what, Said act, const std::string& expected) {
  return {what, std::move(act), expected};
}

Row controlsInNames() {
  Row row{"ControlCharactersInNames", {}};
  for (const char* name : {"a\nb", "a\x01", "\x7f", "\xc2\x9bmore"}) {
    row.attempts.push_back(
        byTool("doc_push", {{"name", name}, {"content", "x"}}, "invalid_filename"));
    row.attempts.push_back(byTool("doc_create", {{"filename", name}}, "invalid_filename"));
    row.attempts.push_back(
        byRest("POST", "/documents", Json({{"filename", name}}).dump(), "400 invalid_filename"));
    row.attempts.push_back(byCommand({"doc", "push", "--name", name}, "1 tutti: filename has"));
  }
  row.attempts.push_back(byForm("a\x01", "{}", "400 invalid_filename"));
  return row;
}

Row pathEscapes() {
  Row row{"PathEscapes", {}};
  for (const char* name : {"..", "../a", "a/b", "/etc/passwd", "..\\a"}) {
    row.attempts.push_back(
        byTool("doc_push", {{"name", name}, {"content", "x"}}, "invalid_filename"));
    row.attempts.push_back(
        byRest("POST", "/documents", Json({{"filename", name}}).dump(), "400 invalid_filename"));
    row.attempts.push_back(byCommand({"doc", "push", "--name", name}, "is a path"));
  }
  row.attempts.push_back(byForm("../a", "{}", "400 invalid_filename"));
  for (const char* id : {"..%2F..%2Fetc%2Fpasswd", "../../etc/passwd", "%2e%2e", "doc_..%00"}) {
    row.attempts.push_back(byRest("GET", std::string("/documents/") + id, "", "404 "));
    row.attempts.push_back(
        byRest("PUT", std::string("/documents/") + id + "/content", "x", "404 "));
  }
  for (const char* path : {"../../etc/passwd", "/etc/passwd", "../../elsewhere"}) {
    const auto inside = [path](const DocumentsWorld& world) {
      return (world.root / path).string();
    };
    row.attempts.push_back(by(
        std::string("doc_push ") + path,
        [inside](auto& world) {
          return world.tool("doc_push", {{"file_path", inside(world)}});
        },
        "path_outside_roots"));
    row.attempts.push_back(by(
        std::string("doc_pull ") + path,
        [inside](auto& world) {
          return world.tool("doc_pull",
                            {{"document_id", world.target}, {"output_path", inside(world)}});
        },
        "path_outside_roots"));
  }
  return row;
}

Row symbolicLinks() {
  const auto linked = [](const DocumentsWorld& world) {
    const fs::path secret = world.elsewhere.write("secret.txt", "secret");
    std::error_code there;
    fs::create_symlink(secret, world.root / "link.txt", there);
    fs::create_directory_symlink(world.elsewhere.path(), world.root / "out", there);
    return world.root;
  };
  Row row{"SymbolicLinks", {}};
  for (const char* path : {"link.txt", "out/secret.txt"}) {
    row.attempts.push_back(by(
        std::string("doc_push ") + path,
        [=](auto& world) {
          return world.tool("doc_push", {{"file_path", (linked(world) / path).string()}});
        },
        "path_outside_roots"));
    row.attempts.push_back(by(
        std::string("doc_pull ") + path,
        [=](auto& world) {
          return world.tool("doc_pull", {{"document_id", world.target},
                                         {"overwrite", true},
                                         {"output_path", (linked(world) / path).string()}});
        },
        std::string(path) == "link.txt" ? "not_a_file" : "path_outside_roots"));
  }
  row.attempts.push_back(by(
      "tutti doc pull --force",
      [=](auto& world) {
        return world.command(
            {"doc", "pull", world.target, "--force", "-o", (linked(world) / "link.txt").string()});
      },
      "1 tutti: "));
  row.attempts.push_back(by(
      "the file behind the link",
      [](auto& world) { return fixture::readAll(world.elsewhere.path() / "secret.txt"); },
      "secret"));
  return row;
}

Row metadataOfNoStrings() {
  Row row{"MetadataThatIsNoString", {}};
  for (const Json& value : {Json(5), Json(nullptr), Json::array(), Json::object(), Json(true)}) {
    const Json metadata = {{"key", value}};
    row.attempts.push_back(byTool("doc_push",
                                  {{"name", "m"}, {"content", "x"}, {"metadata", metadata}},
                                  "invalid_arguments"));
    row.attempts.push_back(byRest("POST", "/documents",
                                  Json({{"filename", "m"}, {"metadata", metadata}}).dump(),
                                  "400 invalid_metadata"));
    row.attempts.push_back(byForm("m", metadata.dump(), "400 invalid_metadata"));
  }
  row.attempts.push_back(byForm("m", "[1]", "400 invalid_metadata"));
  row.attempts.push_back(byForm("m", "{", "400 "));
  row.attempts.push_back(
      byCommand({"doc", "push", "--name", "m", "--meta", "novalue"}, "is no key=value"));
  return row;
}

Row queriesOfOperators() {
  Row row{"QueriesOfOperatorsOnly", {}};
  for (const char* query : {"AND OR NOT", "\"", "*", "(", "NOT", "\"\" *"}) {
    row.attempts.push_back(byTool("doc_search", {{"query", query}}, "invalid_query"));
    std::string encoded;
    for (const char c : std::string(query))
      encoded += c == ' ' ? "%20" : c == '"' ? "%22" : std::string(1, c);
    row.attempts.push_back(byRest("GET", "/search?q=" + encoded, "", "400 invalid_query"));
    row.attempts.push_back(byCommand({"doc", "search", query}, "1 tutti: "));
  }
  return row;
}

Row relationsToItself() {
  Row row{"RelationsToItself", {}};
  for (const char* type : {"parent-child", "related", "predecessor-successor"}) {
    row.attempts.push_back(by(
        std::string("doc_link ") + type,
        [type](auto& world) {
          return world.tool("doc_link", {{"create_from", world.target},
                                         {"create_to", world.target},
                                         {"relation_type", type}});
        },
        "relation_to_itself"));
    row.attempts.push_back(by(
        std::string("POST /relations ") + type,
        [type](auto& world) { return world.link(type, world.target, world.target); },
        "400 relation_to_itself"));
    row.attempts.push_back(by(
        std::string("tutti doc link ") + type,
        [type](auto& world) {
          return world.command({"doc", "link", world.target, world.target, "--type", type});
        },
        "1 tutti: "));
  }
  return row;
}

/// By a tool, with arguments that do not name the document yet.
Attempt onTarget(const std::string& tool, const Json& arguments, const std::string& expected) {
  return by(
      tool,
      [=](const DocumentsWorld& world) {
        Json named = arguments;
        named["document_id"] = world.target;
        return world.tool(tool, named);
      },
      expected);
}
/// By REST, with what comes behind the document's path.
Attempt onTargetsPath(const std::string& method, const std::string& path, const std::string& body,
                      const std::string& headers, const std::string& expected) {
  return by(
      method + " " + path + headers,
      [=](const DocumentsWorld& world) {
        return world.rest(method, "/documents/" + world.target + path, body, headers);
      },
      expected);
}

Row staleVersions() {
  Row row{"StaleVersions", {}};
  const Json stale = {{"expected_version", 7}};
  const auto with = [&stale](Json more) {
    more.update(stale);
    return more;
  };
  const Json edit = {{"old_string", "one"}, {"new_string", "x"}};
  for (const char* tool : {"doc_write", "doc_push"})
    row.attempts.push_back(onTarget(tool, with({{"content", "x"}}), "version_conflict"));
  row.attempts.push_back(onTarget("doc_edit", with(edit), "version_conflict"));
  row.attempts.push_back(onTarget("doc_delete", stale, "version_conflict"));
  const std::string conflict = "409 version_conflict";
  row.attempts.push_back(onTargetsPath("PUT", "/content?expected_version=7", "x", "", conflict));
  row.attempts.push_back(
      onTargetsPath("PATCH", "/content", with(edit).dump(), kJsonHeader, conflict));
  row.attempts.push_back(onTargetsPath("DELETE", "?expected_version=7", "", "", conflict));
  row.attempts.push_back(onTargetsPath("PUT", "/content", "x", "If-Match: \"7-stale\"\r\n",
                                       "412 precondition_failed"));
  row.attempts.push_back(by(
      "tutti doc push",
      [](const DocumentsWorld& world) {
        const fs::path file = world.folder.write("x.txt", "x");
        return world.command(
            {"doc", "push", "--document", world.target, "--expected-version", "7", file.string()});
      },
      "1 tutti: "));
  return row;
}

class DocumentsBadInputTest : public ::testing::TestWithParam<Row> {};

TEST_P(DocumentsBadInputTest, IsNamedAndHarmsNothing) {
  DocumentsWorld world;
  for (const Attempt& attempt : GetParam().attempts) {
    const std::string said = attempt.act(world);
    EXPECT_NE(said.find(attempt.expected), std::string::npos)
        << attempt.what << "\n  expected " << attempt.expected << "\n  got " << said;
    world.awaitUnchanged();
  }
  world.expectWhole();
}

INSTANTIATE_TEST_SUITE_P(Rows, DocumentsBadInputTest,
                         ::testing::Values(pathEscapes(), symbolicLinks(), controlsInNames(),
                                           metadataOfNoStrings(), relationsToItself(),
                                           staleVersions(), queriesOfOperators()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace tutti::test
