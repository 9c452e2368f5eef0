#include "server/cli/survey_language.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <unordered_map>

namespace tutti::cli {
namespace {
constexpr CommentStyle kNone = {};
constexpr CommentStyle kC = {{"//", ""}, "/*", "*/"};
constexpr CommentStyle kCss = {{"", ""}, "/*", "*/"};
constexpr CommentStyle kHash = {{"#", ""}, "", ""};
constexpr CommentStyle kPhp = {{"//", "#"}, "/*", "*/"};
constexpr CommentStyle kSql = {{"--", ""}, "/*", "*/"};
constexpr CommentStyle kLua = {{"--", ""}, "--[[", "]]"};
constexpr CommentStyle kHaskell = {{"--", ""}, "{-", "-}"};
constexpr CommentStyle kLisp = {{";", ""}, "", ""};
constexpr CommentStyle kPercent = {{"%", ""}, "", ""};
constexpr CommentStyle kHtml = {{"", ""}, "<!--", "-->"};
constexpr CommentStyle kMl = {{"", ""}, "(*", "*)"};
constexpr CommentStyle kVim = {{"\"", ""}, "", ""};
constexpr CommentStyle kBang = {{"!", ""}, "", ""};
constexpr CommentStyle kBatch = {{"REM ", "::"}, "", ""};
constexpr CommentStyle kAssembly = {{"#", ";"}, "/*", "*/"};
constexpr CommentStyle kPowerShell = {{"#", ""}, "<#", "#>"};
constexpr CommentStyle kIni = {{";", "#"}, "", ""};

struct Entry {
  Language language;
  std::string_view extensions;    ///< with blanks between them
  std::string_view names;         ///< whole file names
  std::string_view interpreters;  ///< of a "#!" line, without version
};

constexpr Entry kEntries[] = {
    {{"Ada", kSql}, "ada adb ads", "", ""},
    {{"Assembly", kAssembly}, "s asm nasm", "", ""},
    {{"AWK", kHash}, "awk", "", "awk gawk mawk"},
    {{"Batch", kBatch}, "bat cmd", "", ""},
    {{"Bazel", kHash}, "bzl bazel", "BUILD WORKSPACE", ""},
    {{"C", kC}, "c", "", ""},
    {{"C/C++ header", kC}, "h hh hpp hxx inl ipp", "", ""},
    {{"C#", kC}, "cs", "", ""},
    {{"C++", kC}, "cc cpp cxx c++ ixx cppm", "", ""},
    {{"Clojure", kLisp}, "clj cljs cljc edn", "", ""},
    {{"CMake", kHash}, "cmake", "CMakeLists.txt", ""},
    {{"CSS", kCss}, "css", "", ""},
    {{"CSV", kNone}, "csv tsv", "", ""},
    {{"CUDA", kC}, "cu cuh", "", ""},
    {{"D", kC}, "d", "", ""},
    {{"Dart", kC}, "dart", "", ""},
    {{"Device tree", kC}, "dts dtsi dtso", "", ""},
    {{"Dockerfile", kHash}, "dockerfile", "Dockerfile Containerfile", ""},
    {{"Elixir", kHash}, "ex exs", "", "elixir"},
    {{"Elm", kHaskell}, "elm", "", ""},
    {{"Erlang", kPercent}, "erl hrl", "", "escript"},
    {{"F#", kC}, "fs fsx fsi", "", ""},
    {{"Fortran", kBang}, "f f90 f95 f03 f08 for", "", ""},
    {{"Go", kC}, "go", "go.mod", ""},
    {{"GraphQL", kHash}, "graphql gql", "", ""},
    {{"Groovy", kC}, "groovy gradle", "Jenkinsfile", "groovy"},
    {{"Haskell", kHaskell}, "hs lhs", "", "runhaskell"},
    {{"HTML", kHtml}, "html htm xhtml", "", ""},
    {{"INI", kIni},
     "ini cfg conf properties desktop service",
     ".gitconfig .editorconfig .npmrc",
     ""},
    {{"Java", kC}, "java", "", ""},
    {{"JavaScript", kC}, "js mjs cjs jsx", "", "node nodejs bun"},
    {{"JSON", kNone}, "json jsonl ndjson geojson webmanifest", "", ""},
    {{"JSON with comments", kC}, "jsonc json5", "", ""},
    {{"Julia", kHash}, "jl", "", "julia"},
    {{"Jupyter notebook", kNone}, "ipynb", "", ""},
    {{"Kconfig", kHash}, "", "Kconfig", ""},
    {{"Kotlin", kC}, "kt kts", "", ""},
    {{"LaTeX", kPercent}, "tex sty cls bib", "", ""},
    {{"Less", kC}, "less", "", ""},
    {{"Linker script", kCss}, "ld lds", "", ""},
    {{"Lisp", kLisp}, "lisp lsp el cl scm rkt ss", "", "sbcl guile racket"},
    {{"Lua", kLua}, "lua", "", "lua luajit"},
    {{"Make", kHash}, "mk mak", "Makefile makefile GNUmakefile Kbuild", "make"},
    {{"Markdown", kHtml}, "md markdown mdx", "", ""},
    {{"Meson", kHash}, "", "meson.build meson_options.txt", ""},
    {{"Nim", kHash}, "nim", "", ""},
    {{"Nix", {{"#", ""}, "/*", "*/"}}, "nix", "", ""},
    {{"Objective-C", kC}, "m mm", "", ""},
    {{"OCaml", kMl}, "ml mli", "", "ocaml"},
    {{"Pascal", {{"//", ""}, "{", "}"}}, "pas pp dpr", "", ""},
    {{"Perl", kHash}, "pl pm t", "", "perl"},
    {{"PHP", kPhp}, "php phtml", "", "php"},
    {{"PowerShell", kPowerShell}, "ps1 psm1 psd1", "", "pwsh"},
    {{"Protocol Buffers", kC}, "proto", "", ""},
    {{"Python", kHash}, "py pyi pyw", "SConstruct SConscript", "python uv"},
    {{"R", kHash}, "r rmd", "", "rscript"},
    {{"reStructuredText", kNone}, "rst", "", ""},
    {{"Ruby", kHash}, "rb rake gemspec", "Rakefile Gemfile Vagrantfile", "ruby"},
    {{"Rust", kC}, "rs", "", ""},
    {{"Sass", kC}, "scss sass", "", ""},
    {{"Scala", kC}, "scala sc", "", "scala"},
    {{"Shell", kHash},
     "sh bash zsh ksh bats",
     ".bashrc .profile .bash_profile .zshrc",
     "sh bash dash zsh ksh ash busybox"},
    {{"Solidity", kC}, "sol", "", ""},
    {{"SQL", kSql}, "sql", "", ""},
    {{"Starlark", kHash}, "star", "", ""},
    {{"SVG", kHtml}, "svg", "", ""},
    {{"Svelte", kHtml}, "svelte", "", ""},
    {{"Swift", kC}, "swift", "", "swift"},
    {{"Tcl", kHash}, "tcl exp", "", "tclsh wish expect"},
    {{"Terraform", {{"#", "//"}, "/*", "*/"}}, "tf tfvars hcl", "", ""},
    {{"Text", kNone},
     "txt text log",
     "README LICENSE COPYING NOTICE CHANGELOG AUTHORS MAINTAINERS",
     ""},
    {{"TOML", kHash}, "toml", "Cargo.lock poetry.lock uv.lock", ""},
    {{"TypeScript", kC}, "ts mts cts tsx", "", "deno tsx ts-node"},
    {{"Verilog", kC}, "v vh sv svh", "", ""},
    {{"VHDL", {{"--", ""}, "", ""}}, "vhd vhdl", "", ""},
    {{"Vim script", kVim}, "vim", ".vimrc", ""},
    {{"Vue", kHtml}, "vue", "", ""},
    {{"XML", kHtml}, "xml xsd xsl xslt plist pom csproj", "", ""},
    {{"YAML", kHash}, "yaml yml", ".clang-format .clang-tidy", ""},
    {{"Zig", {{"//", ""}, "", ""}}, "zig", "", ""},
};
constexpr Language kOther = {"Other", {{"//", "#"}, "/*", "*/"}};

using Table = std::unordered_map<std::string_view, const Language*>;

Table tableOf(std::string_view Entry::*words) {
  Table table;
  for (const Entry& entry : kEntries) {
    std::string_view rest = entry.*words;
    while (!rest.empty()) {
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      table.emplace(rest.substr(0, blank), &entry.language);
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
  }
  return table;
}

const Language* lookUp(const Table& table, std::string_view word) {
  const auto found = table.find(word);
  return found == table.end() ? nullptr : found->second;
}

/// "python3.11" of "#!/usr/bin/env -S python3.11 -u", without its version.
std::string_view interpreterOf(std::string_view content) {
  std::string_view line = content.substr(2, std::min<std::size_t>(content.find('\n'), 200) - 2);
  std::string_view word;
  while (!line.empty()) {
    const std::size_t first = std::min(line.find_first_not_of(" \t\r"), line.size());
    line.remove_prefix(first);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    word = line.substr(0, end);
    line.remove_prefix(end);
    word = word.substr(word.rfind('/') + 1);
    const bool passed_over =
        word == "env" || word.starts_with('-') || word.find('=') != std::string_view::npos;
    if (!passed_over) break;
  }
  const std::size_t last = word.find_last_not_of("0123456789.");
  return word.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string lowered(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return low;
}
}  // namespace

const Language& languageOf(std::string_view path, std::string_view content) {
  static const Table kByExtension = tableOf(&Entry::extensions);
  static const Table kByName = tableOf(&Entry::names);
  static const Table kByInterpreter = tableOf(&Entry::interpreters);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (const Language* known = lookUp(kByName, name)) return *known;
  if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0) {
    const std::string extension = lowered(name.substr(dot + 1));
    if (const Language* known = lookUp(kByExtension, extension)) return *known;
  }
  if (content.starts_with("#!")) {
    const std::string interpreter = lowered(interpreterOf(content));
    if (const Language* known = lookUp(kByInterpreter, interpreter)) return *known;
  }
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos && dot > 0)
    if (const Language* known = lookUp(kByName, name.substr(0, dot))) return *known;
  return kOther;
}

}  // namespace tutti::cli
