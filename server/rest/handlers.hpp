// What each route of the context store does. Every handler answers its call, at once or later, and
// says how it takes the body.
#pragma once

#include "server/rest/call.hpp"

namespace tutti::rest {

// documents
transport::HttpBodyPlan createDocument(const SharedCall& call);  ///< JSON or multipart
transport::HttpBodyPlan listDocuments(const SharedCall& call);
transport::HttpBodyPlan getContent(const SharedCall& call);  ///< whole, by bytes or characters
transport::HttpBodyPlan getMetadata(const SharedCall& call);
transport::HttpBodyPlan changeMetadata(const SharedCall& call);  ///< ours
transport::HttpBodyPlan putContent(const SharedCall& call);
transport::HttpBodyPlan editContent(const SharedCall& call);
transport::HttpBodyPlan deleteDocument(const SharedCall& call);

// versions: ours
transport::HttpBodyPlan listVersions(const SharedCall& call);
transport::HttpBodyPlan getVersion(const SharedCall& call);
transport::HttpBodyPlan getDiff(const SharedCall& call);
transport::HttpBodyPlan restoreVersion(const SharedCall& call);

// relations
transport::HttpBodyPlan listRelations(const SharedCall& call);
transport::HttpBodyPlan listRelationDefinitions(const SharedCall& call);
transport::HttpBodyPlan createRelation(const SharedCall& call);
transport::HttpBodyPlan changeRelation(const SharedCall& call);
transport::HttpBodyPlan deleteRelation(const SharedCall& call);

// partitions
transport::HttpBodyPlan createPartition(const SharedCall& call);
transport::HttpBodyPlan listPartitions(const SharedCall& call);
transport::HttpBodyPlan deletePartition(const SharedCall& call);

/// 404 `Semantic search is not enabled`, until there is a search.
transport::HttpBodyPlan searchDocuments(const SharedCall& call);

}  // namespace tutti::rest
