// Tools that change what the server offers.
#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {

void addTriggers(mcp::Server& server) {
  addTool(server, "test_trigger_tool_change", "Adds a tool, or removes it again.",
          [&server](const std::shared_ptr<mcp::ToolCall>& call) {
            if (!server.removeTool("dynamic_tool"))
              addTool(server, "dynamic_tool", "Comes and goes.",
                      [](const std::shared_ptr<mcp::ToolCall>& dynamic) {
                        dynamic->finish(textOutput("here for now"));
                      });
            server.toolsChanged();
            call->finish(textOutput("the tools have changed"));
          });
  addTool(server, "test_trigger_prompt_change", "Adds a prompt, or removes it again.",
          [&server](const std::shared_ptr<mcp::ToolCall>& call) {
            if (!server.removePrompt("dynamic_prompt"))
              must(server.addPrompt({"dynamic_prompt", "", "Comes and goes."},
                                    [](const std::shared_ptr<mcp::PromptCall>& dynamic) {
                                      dynamic->finish(mcp::PromptOutput{});
                                    }));
            server.promptsChanged();
            call->finish(textOutput("the prompts have changed"));
          });
}

}  // namespace tutti::conformance
