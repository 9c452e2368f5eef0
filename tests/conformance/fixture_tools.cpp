// Tools that show content, progress and log records.
#include <utility>

#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {
namespace {

using Call = std::shared_ptr<mcp::ToolCall>;

constexpr std::int64_t kGapMs = 50;

/// Runs `step` with 0, 1, … and a gap between, until it says that it was the last.
class Steps : public std::enable_shared_from_this<Steps> {
 public:
  Steps(mcp::Timers& timers, std::function<bool(int)> step)
      : timers_(timers), step_(std::move(step)) {}

  void run() {
    if (!step_(number_++)) {
      timer_ = nullptr;
      return;
    }
    timer_ = timers_.after(kGapMs, [self = shared_from_this()] { self->run(); });
  }

 private:
  mcp::Timers& timers_;
  const std::function<bool(int)> step_;
  std::shared_ptr<void> timer_;
  int number_ = 0;
};

mcp::ToolHandler answering(std::vector<mcp::Content> content) {
  return [content = std::move(content)](const Call& call) {
    mcp::ToolOutput output;
    output.content = content;
    call->finish(std::move(output));
  };
}

void logInSteps(mcp::Timers& timers, const Call& call) {
  const auto step = [call](int number) {
    constexpr std::array kTexts = {"Tool execution started", "Tool processing data",
                                   "Tool execution completed"};
    call->log(mcp::LogLevel::Info, "", Json(kTexts[static_cast<std::size_t>(number)]));
    if (number < 2) return true;
    call->finish(textOutput("Tool with logging executed successfully"));
    return false;
  };
  std::make_shared<Steps>(timers, step)->run();
}

void progressInSteps(mcp::Timers& timers, const Call& call) {
  const auto step = [call](int number) {
    call->progress(number * 50, 100, "Completed step " + std::to_string(number * 50) + " of 100");
    if (number < 2) return true;
    call->finish(textOutput("Tool with progress executed successfully"));
    return false;
  };
  std::make_shared<Steps>(timers, step)->run();
}

void addContentTools(mcp::Server& server) {
  using mcp::Content;
  addTool(server, "test_simple_text", "Answers with a text.",
          answering({Content::ofText("This is a simple text response for testing.")}));
  addTool(server, "test_image_content", "Answers with an image.",
          answering({Content::ofImage(kPng, "image/png")}));
  addTool(server, "test_audio_content", "Answers with a sound.",
          answering({Content::ofAudio(kWav, "audio/wav")}));
  addTool(server, "test_embedded_resource", "Answers with a resource.",
          answering({Content::ofResource(textContents("test://embedded-resource", "text/plain",
                                                      "This is an embedded resource content."))}));
  addTool(server, "test_multiple_content_types", "Answers with a text, an image and a resource.",
          answering(
              {Content::ofText("Multiple content types test:"), Content::ofImage(kPng, "image/png"),
               Content::ofResource(textContents("test://mixed-content-resource", "application/json",
                                                R"({"test":"data","value":123})"))}));
  addTool(server, "test_error_handling", "Fails.", [](const Call& call) {
    call->finish(Error(Code::Internal, "This tool intentionally returns an error for testing"));
  });
}

constexpr const char* kAddressSchema =
    R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",)"
    R"("$defs":{"address":{"$anchor":"addressDef","type":"object",)"
    R"("properties":{"street":{"type":"string"},"city":{"type":"string"}}}},)"
    R"("properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},)"
    R"("contactMethod":{"type":"string","enum":["phone","email"]},)"
    R"("phone":{"type":"string"},"email":{"type":"string"}},)"
    R"("allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],)"
    R"("if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},)"
    R"("then":{"required":["phone"]},"else":{"required":["email"]},"additionalProperties":false})";

}  // namespace

void addSimpleTools(mcp::Server& server, mcp::Timers& timers) {
  addContentTools(server);
  addTool(server, "test_tool_with_logging", "Sends log records while it runs.",
          [&timers](const Call& call) { logInSteps(timers, call); });
  addTool(server, "test_tool_with_progress", "Reports progress while it runs.",
          [&timers](const Call& call) { progressInSteps(timers, call); });
  addTool(server, "test_logging_tool", "Logs if the request asks for it.", [](const Call& call) {
    call->log(mcp::LogLevel::Info, "", Json("A record for whoever asked"));
    call->finish(textOutput("done"));
  });
  addTool(
      server, "json_schema_2020_12_tool", "Has a schema with the keywords of 2020-12.",
      [](const Call& call) { call->finish(textOutput(json::dump(call->arguments()))); },
      kAddressSchema);
  addTool(
      server, "test_x_mcp_header", "Has an argument that is repeated as a header.",
      [](const Call& call) { call->finish(textOutput(json::dump(call->arguments()))); },
      R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}},)"
      R"("required":["region"]})");
}

}  // namespace tutti::conformance
