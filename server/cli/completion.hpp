// Shell completion, made from the very table of commands and options that the parser uses.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace tutti::cli {

/// A completion script for "bash", "zsh" or "fish"; empty for any other word.
std::string completionScript(const CLI::App& app, std::string_view shell);

}  // namespace tutti::cli
