// A temporary folder of blueprint files for one test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tutti::agents {

class BlueprintFolder {
 public:
  BlueprintFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "tutti-blueprints-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~BlueprintFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  BlueprintFolder(const BlueprintFolder&) = delete;
  BlueprintFolder& operator=(const BlueprintFolder&) = delete;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path operator/(const std::string& path) const { return root_ / path; }

  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary | std::ios::trunc) << content;
  }
  void remove(const std::string& path) const { std::filesystem::remove_all(root_ / path); }

  /// agents/<name>/agent.json with `members` after name and description.
  void agent(const std::string& name, const std::string& members = "") const {
    write("agents/" + name + "/agent.json", R"({"name":")" + name + R"(","description":"d")" +
                                                (members.empty() ? "" : ",") + members + "}");
  }

 private:
  std::filesystem::path root_;
};

}  // namespace tutti::agents
