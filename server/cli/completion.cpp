#include "server/cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <vector>

namespace tutti::cli {
namespace {

struct CommandEntry {
  std::string name;
  std::string description;
  std::vector<std::string> options;
};

std::vector<std::string> optionsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<CommandEntry> commandsOf(const CLI::App& app) {
  std::vector<CommandEntry> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_group().empty())
      commands.push_back({sub->get_name(), sub->get_description(), optionsOf(*sub)});
  return commands;
}

std::string words(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& word : list) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string quoted(std::string text) {
  for (std::size_t at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 4))
    text.replace(at, 1, "'\\''");
  return "'" + text + "'";
}

std::string bashScript(const std::vector<CommandEntry>& commands, const std::string& shared) {
  std::string names;
  std::string cases;
  for (const CommandEntry& command : commands) {
    names += (names.empty() ? "" : " ") + command.name;
    cases += "    " + command.name + ") words='" + words(command.options) + " " + shared + "' ;;\n";
  }
  return "_tutti() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} words\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases + "    *) words='" + names + " " + shared +
         "' ;;\n"
         "  esac\n"
         "  [ \"$COMP_CWORD\" -eq 1 ] && words='" +
         names + " " + shared +
         "'\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _tutti tutti\n";
}

std::string zshScript(const std::vector<CommandEntry>& commands, const std::string& shared) {
  std::string described;
  std::string cases;
  for (const CommandEntry& command : commands) {
    described += "    " + quoted(command.name + ":" + command.description) + "\n";
    cases += "    " + command.name + ") compadd -- " + words(command.options) + " " + shared +
             "; _files ;;\n";
  }
  return "#compdef tutti\n_tutti() {\n  local -a commands\n  commands=(\n" + described +
         "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n"
         "    return\n  fi\n  case $words[2] in\n" +
         cases + "  esac\n}\ncompdef _tutti tutti\n";
}

std::string fishScript(const std::vector<CommandEntry>& commands) {
  std::string script;
  for (const CommandEntry& command : commands) {
    script += "complete -c tutti -n __fish_use_subcommand -a " + command.name + " -d " +
              quoted(command.description) + "\n";
    for (const std::string& option : command.options)
      script += "complete -c tutti -n '__fish_seen_subcommand_from " + command.name + "' -l " +
                option.substr(2) + "\n";
  }
  return script;
}

}  // namespace

std::string completionScript(const CLI::App& app, std::string_view shell) {
  const std::vector<CommandEntry> commands = commandsOf(app);
  const std::string shared = words(optionsOf(app));
  if (shell == "bash") return bashScript(commands, shared);
  if (shell == "zsh") return zshScript(commands, shared);
  if (shell == "fish") return fishScript(commands);
  return {};
}

}  // namespace tutti::cli
