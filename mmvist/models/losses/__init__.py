from .gp_kl_loss import GPKLLoss

__all__ = ['GPKLLoss']
