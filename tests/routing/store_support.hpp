// The tables of routing, and sessions for them.
#pragma once

#include <string>
#include <vector>

#include "server/agents/migrations.hpp"
#include "server/agents/sessions.hpp"
#include "server/routing/migrations.hpp"
#include "server/store/migrate.hpp"

namespace tutti::routing {

/// Of the tables that routing's stand on, and of its own.
inline std::vector<store::Migration> routingTables() {
  std::vector<store::Migration> all = agents::migrations();
  all.insert(all.end(), migrations().begin(), migrations().end());
  return all;
}

/// Of an agent that is a program, ready to be started.
inline agents::NewSession programSession(const std::string& agent) {
  agents::NewSession session;
  session.agent_name = agent;
  session.driver = "process";
  session.project_dir = "/tmp";
  session.blueprint = session.parameters = "{}";
  session.owner = "rep_1";
  session.now = "2026-11-20T20:00:00.000000+00:00";
  return session;
}

}  // namespace tutti::routing
