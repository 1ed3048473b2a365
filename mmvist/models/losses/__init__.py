from .gp_kl_loss import GPKLLoss, kl_losses

__all__ = ['GPKLLoss', 'kl_losses']
