// The suite's prompts, and completion for one of them.
#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {
namespace {

using Call = std::shared_ptr<mcp::PromptCall>;

mcp::PromptMessage fromUser(mcp::Content content) {
  return {mcp::Role::User, std::move(content)};
}

void simple(const Call& call) {
  call->finish(mcp::PromptOutput{
      "", {fromUser(mcp::Content::ofText("This is a simple prompt for testing."))}});
}

void withArguments(const Call& call) {
  const Json& arguments = call->arguments();
  call->finish(mcp::PromptOutput{
      "",
      {fromUser(mcp::Content::ofText("Prompt with arguments: arg1='" +
                                     json::stringOr(arguments, "arg1", "") + "', arg2='" +
                                     json::stringOr(arguments, "arg2", "") + "'"))}});
}

void withResource(const Call& call) {
  const std::string uri = json::stringOr(call->arguments(), "resourceUri", "");
  call->finish(mcp::PromptOutput{
      "",
      {fromUser(mcp::Content::ofResource(
           textContents(uri, "text/plain", "Embedded resource content for testing."))),
       fromUser(mcp::Content::ofText("Please process the embedded resource above."))}});
}

void withImage(const Call& call) {
  call->finish(
      mcp::PromptOutput{"",
                        {fromUser(mcp::Content::ofImage(kPng, "image/png")),
                         fromUser(mcp::Content::ofText("Please analyze the image above."))}});
}

void completeArgument(const std::shared_ptr<mcp::CompletionCall>& call) {
  mcp::CompletionOutput output;
  for (const char* value : {"paris", "park", "party", "testValue1", "testValue2"})
    if (std::string(value).rfind(call->value(), 0) == 0) output.values.emplace_back(value);
  call->finish(std::move(output));
}

mcp::PromptArgument required(std::string name, std::string description) {
  return {std::move(name), "", std::move(description), mcp::Presence::Required};
}

}  // namespace

void addPrompts(mcp::Server& server) {
  must(server.addPrompt({"test_simple_prompt", "", "A prompt without arguments."}, simple));
  must(server.addPrompt({"test_prompt_with_arguments",
                         "",
                         "A prompt with two arguments.",
                         {required("arg1", "The first."), required("arg2", "The second.")}},
                        withArguments, completeArgument));
  must(server.addPrompt({"test_prompt_with_embedded_resource",
                         "",
                         "A prompt that holds a resource.",
                         {required("resourceUri", "Of the resource.")}},
                        withResource));
  must(
      server.addPrompt({"test_prompt_with_image", "", "A prompt that holds an image."}, withImage));
}

}  // namespace tutti::conformance
