// Tools and a prompt that ask the client before they answer.
#include <optional>
#include <utility>

#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {
namespace {

using Call = std::shared_ptr<mcp::ToolCall>;
using Method = mcp::InputRequest::Method;
using mcp::ClientFeature;

Json textMessage(const std::string& text) {
  return Json{{"role", "user"}, {"content", {{"type", "text"}, {"text", text}}}};
}

mcp::InputRequest sampling(const std::string& key, const std::string& text, int tokens_max) {
  return {key, Method::Sample,
          Json{{"messages", Json::array({textMessage(text)})}, {"maxTokens", tokens_max}}};
}

/// What the model said, as text.
std::string saidIn(const Json& sampled) {
  const Json content = sampled.value("content", Json());
  if (content.is_object()) return content.value("text", "");
  std::string all;
  if (content.is_array())
    for (const Json& block : content) all += block.value("text", "");
  return all;
}

void sample(const Call& call) {
  const Json* answer = call->answer("response");
  if (answer == nullptr)
    return call->needInput(
        {{sampling("response", call->arguments().value("prompt", ""), 100)}, ""});
  call->finish(textOutput("LLM response: " + saidIn(*answer)));
}

/// Asks by form and shows the answer after `label`.
mcp::ToolHandler asking(std::string message, Json properties, Json required, std::string label) {
  Json schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return [message = std::move(message), schema = std::move(schema),
          label = std::move(label)](const Call& call) {
    const Json* answer = call->answer("form");
    if (answer == nullptr) {
      const std::string shown = call->arguments().value("message", message);
      return call->needInput(
          {{{"form", Method::Elicit, Json{{"message", shown}, {"requestedSchema", schema}}}}, ""});
    }
    call->finish(textOutput(label + "action=" + answer->value("action", "") +
                            ", content=" + json::dump(answer->value("content", Json::object()))));
  };
}

void addElicitations(mcp::Server& server) {
  addTool(server, "test_elicitation", "Asks the user for a name and an address.",
          asking("Please answer",
                 Json{{"username", {{"type", "string"}}}, {"email", {{"type", "string"}}}},
                 Json{"username", "email"}, "User response: "),
          R"({"type":"object","properties":{"message":{"type":"string"}},"required":["message"]})");
  const Json defaults{
      {"name", {{"type", "string"}, {"default", "John Doe"}}},
      {"age", {{"type", "integer"}, {"default", 30}}},
      {"score", {{"type", "number"}, {"default", 95.5}}},
      {"status",
       {{"type", "string"}, {"enum", {"active", "inactive", "pending"}}, {"default", "active"}}},
      {"verified", {{"type", "boolean"}, {"default", true}}}};
  addTool(server, "test_elicitation_sep1034_defaults", "Asks with a default for every type.",
          asking("Please review", defaults, Json::array(), "Elicitation completed: "));
  const auto titled = [](const char* value, const char* title) {
    return Json{{"const", value}, {"title", title}};
  };
  const Json titles =
      Json::array({titled("value1", "First Option"), titled("value2", "Second Option"),
                   titled("value3", "Third Option")});
  const Json plain{{"type", "string"}, {"enum", {"option1", "option2", "option3"}}};
  const Json enums{{"untitledSingle", plain},
                   {"titledSingle", {{"type", "string"}, {"oneOf", titles}}},
                   {"legacyEnum",
                    {{"type", "string"},
                     {"enum", {"opt1", "opt2", "opt3"}},
                     {"enumNames", {"Option One", "Option Two", "Option Three"}}}},
                   {"untitledMulti", {{"type", "array"}, {"items", plain}}},
                   {"titledMulti", {{"type", "array"}, {"items", {{"anyOf", titles}}}}}};
  addTool(server, "test_elicitation_sep1330_enums", "Asks with every form of choice.",
          asking("Please choose", enums, Json::array(), "Elicitation completed: "));
}

void askName(const Call& call) {
  const auto name = formText(*call, "user_name", "name");
  if (!name) return call->needInput({{form("user_name", "What is your name?", "name")}, ""});
  call->finish(textOutput("Hello, " + *name + "!"));
}

void askModel(const Call& call) {
  const Json* answer = call->answer("capital_question");
  if (answer == nullptr)
    return call->needInput(
        {{sampling("capital_question", "What is the capital of France?", 100)}, ""});
  call->finish(textOutput(saidIn(*answer)));
}

std::string namesOf(const Json& roots) {
  std::string names;
  for (const Json& root : roots.value("roots", Json::array()))
    names += root.value("name", "") + " " + root.value("uri", "") + "\n";
  return names;
}

void askRoots(const Call& call) {
  const Json* answer = call->answer("client_roots");
  if (answer == nullptr)
    return call->needInput({{{"client_roots", Method::ListRoots, Json::object()}}, ""});
  call->finish(textOutput("Roots: " + namesOf(*answer)));
}

mcp::InputRequest confirmation() {
  Json schema{{"type", "object"},
              {"properties", {{"ok", {{"type", "boolean"}}}}},
              {"required", Json::array({"ok"})}};
  return {"confirm", Method::Elicit,
          Json{{"message", "Please confirm"}, {"requestedSchema", std::move(schema)}}};
}

void keepState(const Call& call) {
  if (call->state() != "asked" || call->answer("confirm") == nullptr)
    return call->needInput({{confirmation()}, "asked"});
  call->finish(textOutput("state-ok"));
}

void askAll(const Call& call) {
  std::vector<mcp::InputRequest> open;
  const auto name = formText(*call, "user_name", "name");
  if (!name) open.push_back(form("user_name", "What is your name?", "name"));
  if (call->answer("greeting") == nullptr)
    open.push_back(sampling("greeting", "Generate a greeting", 50));
  if (call->answer("client_roots") == nullptr)
    open.push_back({"client_roots", Method::ListRoots, Json::object()});
  if (!open.empty()) return call->needInput({std::move(open), "asked"});
  call->finish(textOutput(saidIn(*call->answer("greeting")) + ", " + *name +
                          "; roots: " + namesOf(*call->answer("client_roots"))));
}

void askInRounds(const Call& call) {
  const auto name = formText(*call, "step1", "name");
  if (!name) return call->needInput({{form("step1", "Step 1: What is your name?", "name")}, "1"});
  const auto color = formText(*call, "step2", "color");
  if (!color)
    return call->needInput({{form("step2", "Step 2: What is your favorite color?", "color")}, "2"});
  call->finish(textOutput(*name + " likes " + *color));
}

/// Asks for no more than the client can give.
void askWhatItCan(const Call& call) {
  if (call->answer("question") != nullptr) return call->finish(textOutput("Answered"));
  if (call->clientCan(ClientFeature::Sampling))
    return call->needInput({{sampling("question", "Say anything", 10)}, ""});
  if (call->clientCan(ClientFeature::ElicitForm))
    return call->needInput({{form("question", "Say anything", "text")}, ""});
  call->refuseWithout({ClientFeature::Sampling});
}

void askAtOnce(const Call& call) {
  if (call->answer("question") != nullptr) return call->finish(textOutput("Answered"));
  call->needInput({{form("question", "Say anything", "text")}, ""});
}

void needSampling(const Call& call) {
  if (!call->clientCan(ClientFeature::Sampling))
    return call->refuseWithout({ClientFeature::Sampling});
  call->finish(textOutput("The client can sample"));
}

void addRounds(mcp::Server& server) {
  const auto add = [&server](const char* name, mcp::ToolHandler handler) {
    addTool(server, name, "Asks the client before it answers.", std::move(handler));
  };
  add("test_input_required_result_elicitation", askName);
  add("test_input_required_result_sampling", askModel);
  add("test_input_required_result_list_roots", askRoots);
  add("test_input_required_result_request_state", keepState);
  add("test_input_required_result_multiple_inputs", askAll);
  add("test_input_required_result_multi_round", askInRounds);
  add("test_input_required_result_tampered_state", keepState);
  add("test_input_required_result_capabilities", askWhatItCan);
  add("test_streaming_elicitation", askAtOnce);
  add("test_missing_capability", needSampling);
}

void fillPrompt(const std::shared_ptr<mcp::PromptCall>& call) {
  const auto context = formText(*call, "user_context", "context");
  if (!context)
    return call->needInput(
        {{form("user_context", "What context should the prompt use?", "context")}, ""});
  mcp::PromptOutput output;
  output.messages.push_back({mcp::Role::User, mcp::Content::ofText("Context: " + *context)});
  call->finish(std::move(output));
}

}  // namespace

mcp::InputRequest form(const std::string& key, const std::string& message,
                       const std::string& field) {
  Json schema{{"type", "object"},
              {"properties", {{field, {{"type", "string"}}}}},
              {"required", Json::array({field})}};
  return {key, Method::Elicit, Json{{"message", message}, {"requestedSchema", std::move(schema)}}};
}

std::optional<std::string> formText(const mcp::RequestContext& call, const std::string& key,
                                    const std::string& field) {
  const Json* answer = call.answer(key);
  if (answer == nullptr || json::stringOr(*answer, "action", "") != "accept") return std::nullopt;
  const Json* content = json::find(*answer, "content");
  const Json* text =
      content != nullptr && content->is_object() ? json::find(*content, field) : nullptr;
  if (text == nullptr || !text->is_string()) return std::nullopt;
  return text->get<std::string>();
}

void addInput(mcp::Server& server, mcp::Timers& timers) {
  addTool(server, "test_sampling", "Asks the client's model.", sample,
          R"({"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"]})");
  addElicitations(server);
  addRounds(server);
  addTool(server, "test_reconnection", "Lets the connection go before it answers.",
          [&timers](const Call& call) {
            call->release(500);
            runLater(timers, *call, 100, [call] {
              call->finish(textOutput("Reconnection test completed successfully"));
            });
          });
  mcp::Prompt prompt;
  prompt.name = "test_input_required_result_prompt";
  prompt.description = "Asks for its context.";
  must(server.addPrompt(std::move(prompt), fillPrompt));
}

}  // namespace tutti::conformance
