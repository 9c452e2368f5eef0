// More tools for conversations that ask for them with "! more tools".
#pragma once

#include <cstdlib>
#include <optional>

#include "tests/mcp/fixture.hpp"

namespace tutti::fixture {

/// One block of each kind.
inline void show(const std::shared_ptr<mcp::ToolCall>& call) {
  mcp::ResourceContents note;
  note.uri = "test://note";
  note.text = "hello";
  mcp::ToolOutput output{nullptr, "All kinds:"};
  output.content = {
      mcp::Content::ofImage("iVBO", "image/png"), mcp::Content::ofAudio("UklG", "audio/wav"),
      mcp::Content::ofLink({{"uri", "test://x"}, {"name", "x"}}), mcp::Content::ofResource(note)};
  call->finish(std::move(output));
}

inline void refuse(const std::shared_ptr<mcp::ToolCall>& call) {
  call->refuse(Error(Code::InvalidArgument, "not this one", "try another"));
}

inline mcp::InputRequest question(const std::string& key) {
  Json schema{{"type", "object"}, {"properties", {{key, {{"type", "string"}}}}}};
  return {key, mcp::InputRequest::Method::Elicit,
          Json{{"mode", "form"}, {"message", key + "?"}, {"requestedSchema", std::move(schema)}}};
}

/// The text that the client's user gave, or nothing.
inline std::optional<std::string> given(const mcp::RequestContext& call, const std::string& key) {
  const Json* answer = call.answer(key);
  if (answer == nullptr || answer->value("action", "") != "accept") return std::nullopt;
  const auto content = answer->find("content");
  if (content == answer->end() || !content->is_object()) return std::nullopt;
  const auto value = content->find(key);
  if (value == content->end() || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

/// Asks for a name, then for a color; says how many rounds it took.
inline void ask(const std::shared_ptr<mcp::ToolCall>& call) {
  const std::string state = std::to_string(std::atoi(std::string(call->state()).c_str()) + 1);
  const auto name = given(*call, "name");
  if (!name) return call->needInput({{question("name")}, state});
  const auto color = given(*call, "color");
  if (!color) return call->needInput({{question("color")}, state});
  std::string text = *name + " likes " + *color + ", round " + state;
  if (call->arguments().contains("greeting"))
    text = call->arguments()["greeting"].get<std::string>() + text;
  call->finish(mcp::ToolOutput{nullptr, std::move(text)});
}

/// Asks user, model and roots in one round.
inline void askAll(const std::shared_ptr<mcp::ToolCall>& call) {
  using Method = mcp::InputRequest::Method;
  if (call->answer("model") == nullptr)
    return call->needInput({{question("name"),
                             {"model", Method::Sample, Json{{"maxTokens", 1}}},
                             {"roots", Method::ListRoots, nullptr}},
                            ""});
  call->finish(mcp::ToolOutput{Json{{"name", *call->answer("name")},
                                    {"model", *call->answer("model")},
                                    {"roots", *call->answer("roots")}},
                               ""});
}

/// Asks again and again.
inline void insist(const std::shared_ptr<mcp::ToolCall>& call) {
  call->needInput({{question("name")}, ""});
}

/// Goes two rounds without asking anything.
inline void comeAgain(const std::shared_ptr<mcp::ToolCall>& call) {
  if (call->state().size() < 2) return call->needInput({{}, std::string(call->state()) + "x"});
  call->finish(mcp::ToolOutput{nullptr, "there"});
}

/// Lets the client's connection go and waits for the test to finish it.
inline void detached(const std::shared_ptr<mcp::ToolCall>& call, Held& held) {
  call->release(500);
  held.calls.push_back(call);
}

/// A task if the client takes one. Asks for what `ask` names, one key after the other or, with
/// `together`, at once; then waits for the test to end it.
inline void job(const std::shared_ptr<mcp::ToolCall>& call, Held& held) {
  call->detach({.ttl_ms = 60'000, .poll_ms = 200});
  call->progress(1, 2, "begun");
  std::vector<mcp::InputRequest> open;
  for (const Json& key : call->arguments().value("ask", Json::array()))
    if (!given(*call, key.get<std::string>())) open.push_back(question(key.get<std::string>()));
  if (!call->arguments().contains("together") && open.size() > 1) open.resize(1);
  if (!open.empty()) return call->needInput({std::move(open), ""});
  std::weak_ptr<mcp::ToolCall> weak = call;
  call->onCancelled([&held, weak] {
    ++held.cancelled;
    const auto gone = weak.lock();
    std::erase(held.calls, gone);
  });
  held.calls.push_back(call);
}

/// Sends the user to a page.
inline void visit(const std::shared_ptr<mcp::ToolCall>& call) {
  if (call->answer("page") == nullptr)
    return call->needInput({{{"page", mcp::InputRequest::Method::Elicit,
                              Json{{"mode", "url"},
                                   {"message", "Sign in"},
                                   {"url", "https://example.org/"},
                                   {"elicitationId", "e1"}}}},
                            ""});
  call->finish(mcp::ToolOutput{nullptr, "visited"});
}

/// Cannot be served before its user has been to two pages.
inline void signIn(const std::shared_ptr<mcp::ToolCall>& call) {
  if (call->arguments().value("signed_in", false) || call->answer("page-1") != nullptr)
    return call->finish(mcp::ToolOutput{nullptr, "signed in"});
  call->needPages({{"page-1", "https://example.org/sign-in", "Sign in"},
                   {"page-2", "https://example.org/pay", "Pay"}});
}

/// A prompt and a resource that ask for a name first.
inline void addAskingOffers(mcp::Server& server) {
  const auto greet = [](const std::shared_ptr<mcp::PromptCall>& call) {
    const auto name = given(*call, "name");
    if (!name) return call->needInput({{question("name")}, ""});
    mcp::PromptOutput output;
    output.messages.push_back(
        {mcp::Role::User,
         mcp::Content::ofText(call->arguments().value("greeting", "Hi") + ", " + *name)});
    call->finish(std::move(output));
  };
  const auto read = [](const std::shared_ptr<mcp::ResourceRead>& call) {
    const auto name = given(*call, "name");
    if (!name) return call->needInput({{question("name")}, ""});
    mcp::ResourceContents contents;
    contents.uri = call->uri();
    contents.text = *name;
    mcp::ResourceOutput output;
    output.contents.push_back(std::move(contents));
    call->finish(std::move(output));
  };
  mcp::Prompt prompt;
  prompt.name = "greet";
  prompt.arguments.push_back({"greeting"});
  mcp::Resource resource;
  resource.uri = "test://asked";
  resource.name = "asked";
  if (!server.addPrompt(std::move(prompt), greet).ok() ||
      !server.addResource(std::move(resource), read).ok())
    throw std::runtime_error("an offer that asks was refused");
}

inline void addTaskTools(mcp::Server& server, Held& held) {
  const auto add = [&](const char* name, mcp::TaskSupport support) {
    mcp::Tool tool;
    tool.name = name;
    tool.description = "See fixture_more.hpp.";
    tool.input_schema = R"({"type":"object"})";
    tool.task_support = support;
    const auto handler = [&held](const std::shared_ptr<mcp::ToolCall>& call) { job(call, held); };
    if (!server.addTool(std::move(tool), handler).ok()) throw std::runtime_error(name);
  };
  add("job", mcp::TaskSupport::Optional);
  add("job_only", mcp::TaskSupport::Required);
  add("no_job", mcp::TaskSupport::Forbidden);
}

inline void addMoreTools(mcp::Server& server, Held* held = nullptr) {
  const auto add = [&server](const char* name, mcp::ToolHandler handler) {
    mcp::Tool tool;
    tool.name = name;
    tool.description = "See fixture_more.hpp.";
    tool.input_schema = R"({"type":"object"})";
    const Status added = server.addTool(std::move(tool), std::move(handler));
    if (!added.ok()) throw std::runtime_error(added.error().text());
  };
  add("show", show);
  add("refuse", refuse);
  add("ask", ask);
  add("ask_all", askAll);
  add("insist", insist);
  add("come_again", comeAgain);
  add("visit", visit);
  add("sign_in", signIn);
  if (held != nullptr)
    add("detached", [held](std::shared_ptr<mcp::ToolCall> call) { detached(call, *held); });
}

}  // namespace tutti::fixture
