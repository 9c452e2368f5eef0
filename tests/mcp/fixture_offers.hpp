// Prompts, resources and templates for conversations that ask for them with "! offers".
#pragma once

#include "tests/mcp/fixture.hpp"

namespace tutti::fixture {

inline void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().text());
}

inline mcp::ResourceContents textOf(const std::string& uri, const std::string& text) {
  mcp::ResourceContents contents;
  contents.uri = uri;
  contents.mime_type = "text/plain";
  contents.text = text;
  return contents;
}

inline void greet(const std::shared_ptr<mcp::PromptCall>& call) {
  const std::string name = json::stringOr(call->arguments(), "name", "");
  if (name == "throw") throw std::runtime_error("a handler that throws");
  if (name == "fail") return call->finish(Error(Code::Unavailable, "no greeting now", "try later"));
  mcp::PromptOutput output;
  output.description = "A greeting";
  output.messages.push_back({mcp::Role::User, mcp::Content::ofText("Greet " + name)});
  output.messages.push_back({mcp::Role::Assistant, mcp::Content::ofAudio("UklG", "audio/wav")});
  call->finish(std::move(output));
}

/// "many" gives 150 values, anything else two of 7.
inline void completeName(const std::shared_ptr<mcp::CompletionCall>& call) {
  if (call->value() == "many") return call->finish({{std::vector<std::string>(150, "x")}});
  const std::string settled = json::stringOr(call->settled(), "greeting", "none");
  call->finish(mcp::CompletionOutput{{call->argument() + ":" + call->value(), settled}, 7});
}

inline void readNote(const std::shared_ptr<mcp::ResourceRead>& read) {
  mcp::ResourceOutput output;
  output.contents = {textOf(read->uri(), "a note")};
  output.ttl_ms = 5;
  output.scope = mcp::CacheScope::Public;
  read->finish(std::move(output));
}

/// Item 404 is not there, item 500 cannot be read.
inline void readItem(const std::shared_ptr<mcp::ResourceRead>& read) {
  const std::string id = read->variables().at("id");
  if (id == "404") return read->finish(Error(Code::NotFound, "item 404 not found"));
  if (id == "500") return read->finish(Error(Code::Internal, "item 500 is broken"));
  read->finish(mcp::ResourceOutput{{textOf(read->uri(), "item " + id)}});
}

inline void addOffers(mcp::Server& server) {
  must(
      server.addPrompt({"greet",
                        "Greet",
                        "Greets somebody.",
                        {{"name", "Name", "Whom to greet.", mcp::Presence::Required}, {"greeting"}},
                        R"({"x/y":1})"},
                       greet, completeName));
  must(server.addPrompt({"plain"}, greet));
  mcp::Resource note{"test://note", "note", "Note", "A note.", "text/plain"};
  note.size = 6;
  note.annotations = R"({"priority":0.5})";
  must(server.addResource(note, readNote));
  must(server.addTemplate({"test://item/{id}", "item", "Item", "One item.", "text/plain"}, readItem,
                          completeName));
}

inline mcp::Skill skill() {
  mcp::Skill made;
  made.uri = "skill://team/git-workflow/SKILL.md";
  made.frontmatter = {{"name", "git-workflow"}, {"description", "How to use git."}, {"x", 1}};
  made.files = {{"SKILL.md", "", "Be kind."},
                {"references/GUIDE.md", "text/markdown", "abc"},
                {"references/pictures/a.png", "image/png", std::string("\xff\0a", 3)}};
  return made;
}

inline void addSkill(mcp::Server& server) {
  must(server.addSkill(skill()));
}

}  // namespace tutti::fixture
