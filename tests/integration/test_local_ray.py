"""A local Ray can be reached from other machines, and answers its own user alone."""

import grpc
import pytest

CLUSTER_ID = "/ray.rpc.NodeInfoGcsService/GetClusterId"


@pytest.mark.integration
def test_a_stranger_is_not_answered(ray_cluster: None) -> None:
    import ray

    address = ray.get_runtime_context().gcs_address
    with grpc.insecure_channel(address) as stranger:
        ask = stranger.unary_unary(CLUSTER_ID)
        with pytest.raises(grpc.RpcError) as told:
            ask(b"", timeout=30)
        assert told.value.code() == grpc.StatusCode.UNAUTHENTICATED
        token = ray._raylet.AuthenticationTokenLoader.instance().get_token_for_http_header()
        metadata = [(name.lower(), value) for name, value in token.items()]
        assert ask(b"", timeout=30, metadata=metadata), "the user has an answer"
