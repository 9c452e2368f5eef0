// A store with documents, served in every way there is: what bad input must not harm.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/serving.hpp"

namespace tutti::test {

/// A document as a form has it; the boundary is XX.
inline std::string form(const std::string& filename, const std::string& content,
                        const std::string& metadata = "{}") {
  return "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename +
         "\"\r\n\r\n" + content +
         "\r\n--XX\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n" + metadata +
         "\r\n--XX--\r\n";
}
inline constexpr const char* kFormHeader = "Content-Type: multipart/form-data; boundary=XX\r\n";

/// One store with two documents, served in every way there is.
class DocumentsWorld {
 public:
  explicit DocumentsWorld(std::vector<std::string> more = {}) : more_(std::move(more)) {
    root = folder.path() / "shared";
    std::filesystem::create_directories(root);
    more_.insert(more_.end(), {"--toolsets", "all", "--document-root", root.string()});
    serving = std::make_unique<Serving>(folder, more_);
    std::vector<std::string> arguments = more_;
    arguments.insert(arguments.begin(), "stdio");
    tools = std::make_unique<TuttiProcess>(folder, Options{.arguments = arguments});
    bystander = pushed("bystander.md", "carrots");
    target = pushed("target.md", "one");
    before_ = state();
  }

  std::string pushed(const std::string& name, const std::string& content) {
    const Json made = tools->call("doc_push", {{"name", name}, {"content", content}});
    EXPECT_TRUE(made.contains("id")) << made;
    return made.value("id", "");
  }
  /// The error's name, or what came instead.
  std::string tool(const std::string& name, const Json& arguments) const {
    const Json answer = tools->call(name, arguments);
    return answer.contains("error") ? answer["error"].value("name", answer.dump()) : answer.dump();
  }
  /// The status and the error's code, or the body.
  std::string rest(const std::string& method, const std::string& path, const std::string& body = {},
                   const std::string& headers = kJsonHeader) const {
    const auto answer = ask(serving->documents_port, method, path, body, headers);
    const Json said = Json::parse(answer.body, nullptr, false);
    const bool named = said.is_object() && said.contains("code");
    return std::to_string(answer.status) + " " +
           (named ? said["code"].get<std::string>() : answer.body.substr(0, 300));
  }
  /// A relation by REST.
  std::string link(const std::string& definition, const std::string& from,
                   const std::string& to) const {
    const Json wanted = {
        {"definition", definition}, {"from_document_id", from}, {"to_document_id", to}};
    return rest("POST", "/relations", wanted.dump());
  }
  /// The exit status and what was said on stderr.
  std::string command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), more_.begin(), more_.end());
    const Ran ran = runTutti(folder, arguments);
    return std::to_string(ran.status) + " " + ran.err;
  }
  std::string content(const std::string& id) const {
    return ask(serving->documents_port, "GET", "/documents/" + id).body;
  }
  std::string etag(const std::string& id) const {
    const std::string head = ask(serving->documents_port, "GET", "/documents/" + id).head;
    const auto at = head.find("ETag: ");
    return at == std::string::npos ? "" : head.substr(at + 6, head.find("\r\n", at) - at - 6);
  }
  /// Both documents, the list of them, and the files of contents.
  std::string state() const {
    std::set<std::string> files;
    std::error_code none;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder.path() / "data" / "documents", none))
      if (entry.is_regular_file(none)) files.insert(entry.path().filename().string());
    return ask(serving->documents_port, "GET", "/documents").body + content(bystander) +
           content(target) + Json(files).dump();
  }
  void expectUnchanged() const { EXPECT_EQ(state(), before_); }
  /// Who may have been cut off is done with its work by the time this is.
  void awaitUnchanged() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    std::string now = state();
    while (now != before_ && std::chrono::steady_clock::now() < deadline) now = state();
    EXPECT_EQ(now, before_);
  }
  /// Ends all of it: what is left of anybody's work is then a leftover.
  void expectWhole() {
    for (TuttiProcess* process : {tools.get(), &serving->process()}) {
      process->kill(SIGTERM);
      process->wait();
    }
    const Ran checked = runTutti(folder, {"doctor", "--json"});
    EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
    EXPECT_EQ(Json::parse(checked.out, nullptr, false).value("findings", Json()), Json::array());
  }

  TempFolder folder;
  TempFolder elsewhere;
  std::filesystem::path root;
  std::unique_ptr<Serving> serving;
  std::unique_ptr<TuttiProcess> tools;
  std::string bystander;
  std::string target;

 private:
  std::vector<std::string> more_;
  std::string before_;
};

}  // namespace tutti::test
